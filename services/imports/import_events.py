"""Files of events, taken in customer by customer: sorted on disk, placed in a journey where one is named."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlmodel import Session

from services.definitions import journeys
from services.enrollments import splits
from services.imports import event_histories, placement
from services.imports.file_form import FileForm
from services.imports.joined_profiles import Work
from services.ingestion.segment_api import IncomingEvent
from services.operations import uploads
from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, LineError, PageOfWork, add_counts
from services.values import Clock
from store.queries.journeys import LiveJourney
from store.session import Database
from store.tables.access import Operation

STAGED = 5_000
"""Lines between two signs of life while a file is sorted on disk: nothing is locked meanwhile."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of events, sorted on disk: each customer's history at once, placed in a journey where one is named."""
    key, form = operation.request.get("journey"), FileForm.from_json(operation.request)
    with database.reading() as session:
        live = journeys.live(session, key) if key else None
        live = live and (live[0], splits.decided(session, live[1]))
    with event_histories.Sorted() as ordered:
        with uploads.open_stream(database, operation.id) as file:
            lines = event_histories.records(file, form)
            while batch := list(islice(lines, STAGED)):
                yield _note(ordered.add(batch, clock()), f"reading: {ordered.lines:,} lines")
        total, seen = ordered.lines, int(operation.cursor or 0)
        work = enumerate(islice(ordered.customers(clock()), seen, None), start=seen + 1)
        while chunk := [CountedHistory(number, *history) for number, history in islice(work, placement.CHUNK)]:
            yield _histories(database, operation, live, chunk, total, clock())


def _note(errors: Sequence[LineError], note: str) -> PageOfWork:
    return lambda session: Done(count=0, errors=errors, note=note)


class CountedHistory(NamedTuple):
    """A customer's events in a file, or a part of them, and how many customers were seen with this one.

    The work's cursor passes a customer with the last part of theirs.
    """

    seen: int
    name: str
    messages: list[IncomingEvent]
    first: bool = True
    last: bool = True

    def parts(self, works: Sequence[Work]) -> list["CountedHistory"]:
        """These parts of its events, each counted by itself."""
        end = len(works) - 1
        return [
            CountedHistory(self.seen, self.name, one, self.first and number == 0, self.last and number == end)
            for number, (_, one) in enumerate(works)
        ]

    @property
    def cursor(self) -> str:
        """How many customers are done once this is."""
        return str(self.seen if self.last else self.seen - 1)


def _histories(
    database: Database,
    operation: Operation,
    live: LiveJourney | None,
    chunk: Sequence[CountedHistory],
    total: int,
    now: datetime,
) -> ItemPage[CountedHistory]:
    """Customers and their histories. What fails of a known customer is an event; of a new one, all that they did."""

    def do(session: Session, part: Sequence[CountedHistory]) -> Done:
        work = [(one.name, one.messages) for one in part]
        placed = placement.write(session, placement.prepare(session, work, live, now))
        counts = {name: getattr(placed, name) for name in ("events", "enrolled", "repeated")}
        current = session.get(Operation, operation.id) or operation
        return Done(
            count=sum(len(one.messages) for one in part),
            cursor=part[-1].cursor,
            errors=placed.errors,
            result=add_counts(current, {"customers": sum(one.first for one in part), **counts}),
            note="placing",
            total=total,
        )

    def fail(session: Session, one: CountedHistory, error: Exception) -> Done:
        errors = [line_error(message.line or 0, error) for message in one.messages]
        return Done(count=len(errors), cursor=one.cursor, errors=errors)

    def split(one: CountedHistory) -> Sequence[CountedHistory]:
        with database.reading() as session:
            return one.parts(placement.fail_alone(session, (one.name, one.messages)))

    return ItemPage(items=lambda session: chunk, do=do, fail=fail, split=split)
