"""Files that are taken in: what would become of one, and one kept for a worker. For the API's call and the page's form.

How a file comes here, and how it is written, its caller says.
"""

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from typing import Any, BinaryIO, Literal

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend
from api.edge.shown_operations import operation_out
from api.schemas.imports import ImportPreviewOut
from api.schemas.operations import OperationOut
from services.definitions import broadcasts
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput
from services.imports.files import csv_and_ndjson
from services.imports.files.file_form import FileForm
from services.imports.placing import placement_preview, placing_known
from services.imports.records import dry_run, rate_lines
from services.operations import operations, uploads
from store.ids import new_id

LARGEST = 4 * 1024**3
"""Bytes of a file: some ten million events."""

ImportKindName = Literal["events", "customers", "consents", "enrollments", "recipients", "rates"]


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedImport:
    """What a file holds, and which journey or broadcast it is about, where it is about one."""

    kind: ImportKindName
    journey: str | None = None
    broadcast: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it."""
        return asdict(self)


def check(parts: Backend, wanted: WantedImport, file: BinaryIO, form: FileForm) -> None:
    """What can be seen at once is refused at once. Raise InvalidInput, NotFound, Refused."""
    if wanted.kind == "enrollments" and wanted.journey is None:
        raise InvalidInput("name the journey to enroll in", "journey")
    if wanted.kind == "recipients":
        if wanted.broadcast is None:
            raise InvalidInput("name the broadcast that they are for", "broadcast")
        with parts.database.reading() as session:
            broadcasts.accepting_recipients(session, wanted.broadcast)
    if wanted.kind == "rates":
        with parts.database.reading() as session:
            rate_lines.main_currency(session)
    if wanted.journey is not None:
        with parts.database.reading() as session:
            journeys.live(session, wanted.journey)
    file.seek(0)
    csv_and_ndjson.columns(file, form, dry_run.rules_of(wanted.kind))


def preview(parts: Backend, wanted: WantedImport, file: BinaryIO, form: FileForm) -> ImportPreviewOut:
    """What would become of a file; the whole of it is read, and nothing is kept. Raise as `check` does."""
    check(parts, wanted, file, form)
    now = parts.clock()
    found = dry_run.preview(parts.database, wanted.kind, file, form, now)
    if wanted.kind == "events" and wanted.journey is not None:
        with parts.database.reading() as session:
            journey = placing_known.journey_of(session, wanted.journey)
        found.placing, refused = placement_preview.count(parts.database, file, form, journey, now)
        found.refuse(refused)
    return ImportPreviewOut.of(wanted.kind, found)


@contextmanager
def kept(parts: Backend, file: BinaryIO) -> Generator[str, None, None]:
    """A file in the database, under the id that is given, for the work on it to be asked for.

    It comes there a part at a time, so that nobody waits long for the writer's lock. Where that was not done it is let
    go of.
    """
    operation_id, number = new_id("op"), 0
    try:
        file.seek(0)
        while data := file.read(uploads.PART):
            parts.database.write(partial(uploads.keep, operation_id=operation_id, number=number, data=data))
            number += 1
        yield operation_id
    except Exception:
        let_go(parts, operation_id)
        raise


def let_go(parts: Backend, operation_id: str) -> None:
    """Drop a file for which no work was asked for: nobody would ever read or erase it."""
    parts.database.write(partial(operations.drop_unasked_file, operation_id=operation_id))


def start(
    session: Session, trail: Trail, wanted: WantedImport, form: FileForm, operation_id: str, by: str, now: datetime
) -> OperationOut:
    """Ask for the work on a file that is kept under this id, on record."""
    request = {**wanted.as_json(), **form.as_json()}
    operation = operations.start(
        session, f"import {wanted.kind}", request, now, by=by, total=form.records, operation_id=operation_id
    )
    shown = operation_out(operation, now)
    trail.note("imported", wanted.kind, operation_id, after=shown)
    return shown
