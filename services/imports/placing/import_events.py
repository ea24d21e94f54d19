"""Files of events, taken in customer by customer: sorted on disk, placed in a journey where one is named."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import NamedTuple

from sqlmodel import Session

from services.imports.files.file_form import FileForm
from services.imports.histories import event_histories
from services.imports.histories.joined_profiles import Work
from services.imports.placing import placement, placing_known
from services.imports.placing.placing_known import ToPlace
from services.ingestion.segment_api import IncomingEvent
from services.operations import uploads
from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, LineError, PageOfWork, add_counts
from services.values import Clock
from store.queries.definitions.journeys import LiveJourney
from store.session import Database
from store.tables.access import Operation

KNOWN = "known "
"""What stands in the cursor before the number of the last name whose customer was placed, though known before."""

STAGED = 5_000
"""Lines between two signs of life while a file is sorted on disk: nothing is locked meanwhile."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of events, sorted on disk: each customer's history at once, placed in a journey where one is named.

    Those who were customers before are placed behind all of it.
    """
    key, form = operation.request.get("journey"), FileForm.from_json(operation.request)
    with database.reading() as session:
        journey = placing_known.journey_of(session, key) if key else None
    with event_histories.Sorted() as ordered:
        with uploads.open_stream(database, operation.id) as file:
            lines = event_histories.records(file, form)
            while batch := list(islice(lines, STAGED)):
                yield _note(ordered.add(batch, clock()), f"reading: {ordered.lines:,} lines")
        total, (seen, looked_up) = ordered.lines, _progress(operation.cursor)
        histories = islice(ordered.customers(clock()), seen, None) if seen is not None else iter(())
        work = enumerate(histories, start=(seen or 0) + 1)
        counted = dict[str, str]()
        while chunk := [CountedHistory(number, *history) for number, history in islice(work, placement.CHUNK)]:
            yield _histories(database, operation, journey, chunk, counted, total, clock())
        if journey is not None:
            names = islice(ordered.names(), looked_up, None)
            for known in placing_known.to_place(database, journey, names, placement.CHUNK):
                yield _known(operation, journey, known, clock)


def _progress(cursor: str | None) -> tuple[int | None, int]:
    """How many customers of the file are done, None where all are, and how many names were looked up behind that."""
    if cursor is not None and cursor.startswith(KNOWN):
        return None, int(cursor.removeprefix(KNOWN))
    return int(cursor or 0), 0


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
    counted: dict[str, str],
    total: int,
    now: datetime,
) -> ItemPage[CountedHistory]:
    """Customers and their histories. What fails of a known customer is an event; of a new one, all that they did.

    `counted` are those who are left alone, each with the first name by which the file calls them.
    """

    def do(session: Session, part: Sequence[CountedHistory]) -> Done:
        work = [(one.name, one.messages) for one in part]
        placed = placement.write(session, placement.prepare(session, work, live, now))
        counts = {name: getattr(placed, name) for name in ("events", "enrolled", "repeated")}
        counts["customers"] = sum(one.first for one in part)
        current = session.get(Operation, operation.id) or operation
        alone = ((one.name, placed.left_alone[one.name]) for one in part if one.first and one.name in placed.left_alone)
        those = [one for name, one in alone if counted.setdefault(one.customer, name) == name]
        left = placing_known.told_together(current.result or {}, those)
        return Done(
            count=sum(len(one.messages) for one in part),
            cursor=part[-1].cursor,
            errors=placed.errors,
            result={**add_counts(current, counts), **(left if live is not None else {})},
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


def _known(operation: Operation, journey: LiveJourney, those: Sequence[ToPlace], clock: Clock) -> ItemPage[ToPlace]:
    """Customers who were known before. What fails of one is the place of that one; their events are there."""

    def do(session: Session, part: Sequence[ToPlace]) -> Done:
        current = session.get(Operation, operation.id) or operation
        enrolled = placing_known.place(session, journey, part, clock)
        return Done(
            count=0,
            cursor=f"{KNOWN}{part[-1].named.number}",
            result=add_counts(current, {"enrolled": enrolled}),
            note="placing those who were known",
        )

    def fail(session: Session, one: ToPlace, error: Exception) -> Done:
        errors = [line_error(one.named.line, error, f"{one.customer} is not placed")]
        return Done(count=0, cursor=f"{KNOWN}{one.named.number}", errors=errors)

    return ItemPage(items=lambda session: those, do=do, fail=fail)
