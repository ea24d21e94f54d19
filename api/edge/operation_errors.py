"""The lines of a file that were not taken, as a file of their own."""

import csv
import io

from fastapi import Response
from sqlmodel import Session

from services.operations import operations
from store.queries.listing import lists
from store.queries.listing.lists import Slice


class Csv(Response):
    """A table as a file."""

    media_type = "text/csv"


def errors_file(session: Session, id: str) -> Response:
    """`line,reason`, to be opened beside the file that was imported; raise NotFound."""
    operations.get(session, id)
    file = io.StringIO()
    rows = csv.writer(file)
    rows.writerow(["line", "reason"])
    found, _ = lists.operation_errors(session, Slice(limit=operations.MOST_ERRORS_KEPT), id)
    rows.writerows((one.line, one.reason) for one in found)
    name = {"Content-Disposition": f'attachment; filename="{id}-errors.csv"'}
    return Csv(file.getvalue(), headers=name)
