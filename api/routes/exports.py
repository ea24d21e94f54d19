"""The export for a warehouse: events, mails and decisions, streamed from a cursor on."""

import csv
import io
from collections.abc import Callable, Iterator
from typing import Annotated, Any, Literal

import orjson
from fastapi import APIRouter, Depends, Query, Response
from pydantic import AwareDatetime

from api.deps.backend import Backend, TheBackend
from api.deps.permission import Admin
from api.edge.report_tables import Lines, cell
from api.edge.streamed_files import StreamedCsv, StreamedNdjson
from api.errors import responses
from api.schemas.exports import DecisionLine, EventLine, MessageLine
from mail import signed_links
from services.reports.results import warehouse_export
from services.reports.results.warehouse_export import ExportKind, ExportPage

router = APIRouter(prefix="/v1/export", tags=["reports"])

ExportFormat = Literal["ndjson", "csv"]


class ExportAsked:
    """From where on, since when, and how it is written."""

    def __init__(
        self,
        after: Annotated[
            str | None, Query(max_length=1_000, description="the `cursor` of the last line you have")
        ] = None,
        since: Annotated[
            AwareDatetime | None, Query(description="what came, or changed, at this instant or later")
        ] = None,
        format: Annotated[ExportFormat, Query(description="a line of JSON for each, or a table")] = "ndjson",
    ) -> None:
        self.after = after
        self.since = since
        self.format: ExportFormat = format


TheExport = Annotated[ExportAsked, Depends()]


def _answers(model: type[Any]) -> dict[int | str, Any]:
    return {200: {"model": model, "content": {"text/csv": {}}}, **responses(422)}


@router.get(
    "/events", summary="Events, in the order they came", response_class=StreamedNdjson, responses=_answers(EventLine)
)
def events(parts: TheBackend, caller: Admin, asked: TheExport) -> Response:
    """Each once over any number of runs: read on with `after`. One whose customer was merged comes again."""
    return _streamed(parts, "events", asked)


@router.get(
    "/messages", summary="Mails, as they changed", response_class=StreamedNdjson, responses=_answers(MessageLine)
)
def messages(parts: TheBackend, caller: Admin, asked: TheExport) -> Response:
    """The ledger without what mails say. One that has changed since comes again; the newest line holds."""
    return _streamed(parts, "messages", asked)


@router.get(
    "/decisions",
    summary="Decisions, in the order they were kept",
    response_class=StreamedNdjson,
    responses=_answers(DecisionLine),
)
def decisions(parts: TheBackend, caller: Admin, asked: TheExport) -> Response:
    """Why, for each of them. One whose customer was merged comes again."""
    return _streamed(parts, "decisions", asked)


def _streamed(parts: Backend, kind: ExportKind, asked: ExportAsked) -> Response:
    """The first page is read before the answer begins, so that a wrong cursor is an error and no broken stream."""
    with parts.database.reading() as session:
        wanted = warehouse_export.asked(session, kind, asked.after, asked.since)
        first = warehouse_export.page(session, wanted)
    if asked.format == "csv":
        name = {"Content-Disposition": f'attachment; filename="{kind}.csv"'}
        return StreamedCsv(_written(parts, first, _csv_writer()), headers=name)
    return StreamedNdjson(_written(parts, first, _as_ndjson))


def _written(parts: Backend, first: ExportPage, write: Callable[[Lines], str]) -> Iterator[str]:
    """Page by page, each in a transaction of its own; signed links in what customers sent are made useless."""
    page = first
    yield signed_links.blanked(write(page.lines))
    while page.rest is not None:
        with parts.database.reading() as session:
            page = warehouse_export.page(session, page.rest)
        yield signed_links.blanked(write(page.lines))


def _as_ndjson(lines: Lines) -> str:
    return b"".join(orjson.dumps(line, option=orjson.OPT_UTC_Z) + b"\n" for line in lines).decode()


def _csv_writer() -> Callable[[Lines], str]:
    """Writes a page at a time, the first one with a header."""
    begun = False

    def write(lines: Lines) -> str:
        nonlocal begun
        file = io.StringIO()
        rows = csv.writer(file)
        if lines and not begun:
            rows.writerow(lines[0])
            begun = True
        for line in orjson.loads(orjson.dumps(lines, option=orjson.OPT_UTC_Z)):
            rows.writerow([_cell(value) for value in line.values()])
        return file.getvalue()

    return write


def _cell(value: Any) -> Any:
    """What is an object in JSON is its text."""
    return cell(orjson.dumps(value).decode() if isinstance(value, dict | list) else value)
