"""Files of customers, consents, enrollments and recipients, taken in line by line, some hundred in a transaction."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlmodel import Session

from services.imports.files import csv_and_ndjson
from services.imports.files.file_form import FileForm
from services.imports.records.import_kinds import KINDS, ImportKind, Line, LineOutcome, mapping, reason
from services.operations import uploads
from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, LineError, PageOfWork, add_counts
from services.values import Clock, Rejected
from store.session import Database
from store.tables.access import Operation

BATCH = 500
"""Lines in one transaction, in which nobody else writes on SQLite: more would hold live events up, fewer would pay for
more commits."""


class CountedLine(NamedTuple):
    """A record of a file, its line number, and how many records were seen with it, which is the work's cursor."""

    seen: int
    line: int
    record: Any


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of one of KINDS, some hundred lines at a time."""
    kind, form = KINDS[operation.request["kind"]], FileForm.from_json(operation.request)
    seen = int(operation.cursor or 0)
    with uploads.open_stream(database, operation.id) as file:
        lines = islice(csv_and_ndjson.records(file, form, kind.rules), seen, None)
        numbered = enumerate(lines, start=seen + 1)
        while batch := [CountedLine(seen, line, record) for seen, (line, record) in islice(numbered, BATCH)]:
            yield _page(operation, kind, batch, clock())
            seen = batch[-1].seen
    if seen != form.records:  # which are the most that its lines may hold
        yield lambda session: Done(count=0, total=seen)


def _page(
    operation: Operation, kind: ImportKind, lines_of_page: Sequence[CountedLine], now: datetime
) -> ItemPage[CountedLine]:
    def do(session: Session, batch: Sequence[CountedLine]) -> Done:
        outcomes: dict[int, LineOutcome] = {}
        lines: list[Line] = []
        for _, line, record in batch:
            try:
                lines.append((line, mapping(record)))
            except Rejected as rejected:
                outcomes[line] = rejected
        taken = kind.take(session, operation, lines, now)
        outcomes |= {line: outcome for (line, _), outcome in zip(lines, taken, strict=True)}
        errors = [
            LineError(line=line, reason=reason(outcomes[line]))
            for _, line, _ in batch
            if not isinstance(outcomes[line], bool)
        ]
        count = sum(one is True for one in outcomes.values())
        more = {"taken": count, "repeated": len(batch) - count - len(errors)}
        current = session.get(Operation, operation.id) or operation
        return Done(count=len(batch), cursor=str(batch[-1].seen), errors=errors, result=add_counts(current, more))

    def fail(session: Session, one: CountedLine, error: Exception) -> Done:
        return Done(count=1, cursor=str(one.seen), errors=[line_error(one.line, error)])

    return ItemPage(items=lambda session: lines_of_page, do=do, fail=fail)
