"""The kinds of files that are taken in (customers, consents, enrollments, recipients, events), and what each line does.

How lines are read stands in `csv_and_ndjson`, what customers have behind them in `event_histories`.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar, cast

from sqlmodel import Session

from services import values
from services.customers.profiles import MOST_ATTRIBUTES
from services.enrollments import bulk_entry
from services.enrollments.bulk_entry import Wanted
from services.enrollments.customer_events import Listeners
from services.errors import NotFound, ServiceError
from services.feedback import consents
from services.feedback.consents import Statement
from services.imports import csv_and_ndjson, event_histories
from services.ingestion import ingest, segment_api
from services.ingestion.segment_api import IncomingEvent
from services.operations import uploads
from services.operations.item_pages import ItemPage, line_error
from services.operations.operations import Done, LineError, PageOfWork, add_counts
from services.values import Clock, Rejected
from store.queries import broadcast_members, customers
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


ReadItem = TypeVar("ReadItem")

Line = tuple[int, Mapping[str, Any]]
"""The number of a line, and its record."""

LineOutcome = bool | Rejected | ServiceError
"""Whether a line was taken (False where it says nothing new), or why not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFormat:
    """What a file holds: the columns that it must have, and how its lines are taken in, many at a time.

    `take` returns the outcome of each line, in their order.
    """

    required: tuple[str, ...]
    take: Callable[[Session, Operation, Sequence[Line], datetime], Sequence[LineOutcome]]


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of customers, consents or enrollments, some hundred lines at a time."""
    kind, format = KINDS[operation.request["kind"]], operation.request["format"]
    seen = int(operation.cursor or 0)
    with uploads.open_stream(database, operation.id) as file:
        lines = islice(csv_and_ndjson.records(file, format, kind.required), seen, None)
        numbered = enumerate(lines, start=seen + 1)
        while batch := [CountedLine(seen, line, record) for seen, (line, record) in islice(numbered, BATCH)]:
            yield _page(operation, kind, batch, clock())


def _page(
    operation: Operation, kind: ImportFormat, lines_of_page: Sequence[CountedLine], now: datetime
) -> ItemPage[CountedLine]:
    def do(session: Session, batch: Sequence[CountedLine]) -> Done:
        outcomes: dict[int, LineOutcome] = {}
        lines: list[Line] = []
        for _, line, record in batch:
            try:
                lines.append((line, _mapping(record)))
            except Rejected as rejected:
                outcomes[line] = rejected
        taken = kind.take(session, operation, lines, now)
        outcomes |= {line: outcome for (line, _), outcome in zip(lines, taken, strict=True)}
        errors = [
            LineError(line=line, reason=_reason(outcomes[line]))
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


def _mapping(record: Any) -> Mapping[str, Any]:
    if isinstance(record, ValueError):
        raise Rejected("", str(record))
    if not isinstance(record, dict):
        raise Rejected("", "a line is a JSON object")
    values.check_values(cast(dict[str, Any], record))
    return cast(dict[str, Any], record)


def _reason(refused: LineOutcome) -> str:
    """What was wrong, without what somebody is called."""
    if isinstance(refused, NotFound):
        return "there is no such customer"
    return str(refused)


def _take(
    lines: Sequence[Line], read: Callable[[Line], ReadItem], take: Callable[[Sequence[ReadItem]], Iterable[LineOutcome]]
) -> list[LineOutcome]:
    """Read each line, and take together what could be read; what could not is the outcome of that line alone."""
    found, wrong = list[ReadItem](), dict[int, LineOutcome]()
    for line in lines:
        try:
            found.append(read(line))
        except (Rejected, ServiceError) as refused:
            wrong[line[0]] = refused
    taken = iter(take(found))
    return [wrong[number] if number in wrong else next(taken) for number, _ in lines]


class _Named:
    """The customers whom lines name, found at once."""

    def __init__(self, session: Session, lines: Sequence[Line]) -> None:
        self._ids = customers.find_all(session, {_name(record) for _, record in lines})

    def id(self, record: Mapping[str, Any]) -> str:
        """The internal id of the one whom a record names. Raises NotFound."""
        found = self._ids.get(_name(record))
        if found is None:
            raise NotFound("there is no such customer")
        return found


def _name(record: Mapping[str, Any]) -> str:
    return str(record.get("userId") or "")


# -- customers ---------------------------------------------------------------------------------------------------------


def _customers(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId` and attributes, as columns or as `traits`; an identify event like any other."""

    def take(identified: Sequence[IncomingEvent]) -> Iterator[LineOutcome]:
        for one in ingest.take_all(session, identified, Listeners.load(session), now):
            yield one if isinstance(one, Rejected) else one is not None

    return _take(lines, lambda line: _identified(operation, line, now), take)


def _identified(operation: Operation, line: Line, now: datetime) -> IncomingEvent:
    """A line as a message; the same line of the same operation is the same message. Raises Rejected."""
    number, record = line
    traits = record.get("traits")
    if traits is None:
        traits = {name: event_histories.number(value) for name, value in record.items() if name != "userId"}
    if len(traits) > MOST_ATTRIBUTES:
        raise Rejected("traits", f"has {len(traits)} attributes; at most {MOST_ATTRIBUTES} are allowed")
    item = {"type": "identify", "userId": record.get("userId"), "traits": traits}
    return replace(segment_api.read(item, now), message_id=f"{operation.id}:{number}")


# -- consents ----------------------------------------------------------------------------------------------------------

_YES, _NO = ("true", "yes", "1", "granted"), ("false", "no", "0", "withdrawn")


def _consents(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`, `topic`, `granted` (yes or no); where it is known `at`, `source`, and whether it was `confirmed`."""
    named = _Named(session, lines)

    def take(statements: Sequence[Statement]) -> Iterator[LineOutcome]:
        by_id = {one.id: one for one in customers.lock_all(session, {one.customer_id for one in statements})}
        for kept in consents.keep_all(session, by_id, statements, now):
            yield kept if isinstance(kept, ServiceError) else kept is not None

    return _take(lines, lambda line: _statement(operation, named, line[1], now), take)


def _statement(operation: Operation, named: _Named, record: Mapping[str, Any], now: datetime) -> Statement:
    said = str(record.get("granted")).strip().lower()
    if said not in _YES + _NO:
        raise Rejected("granted", f"must be one of {', '.join(_YES + _NO)}")
    return Statement(
        at=values.instant(record["at"], "at") if record.get("at") else now,
        customer_id=named.id(record),
        topic=str(record.get("topic") or ""),
        granted=said in _YES,
        source=str(record.get("source") or f"import {operation.id}")[:200],
        confirmed=str(record.get("confirmed")).strip().lower() in _YES,
    )


# -- enrollments -------------------------------------------------------------------------------------------------------


def _enrollments(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`; any other column is data of the enrollment. The re-entry rule holds, and a refusal is on record."""
    named = _Named(session, lines)

    def read(line: Line) -> Wanted:
        return named.id(line[1]), {name: value for name, value in line[1].items() if name != "userId"}

    return _take(lines, read, lambda wanted: bulk_entry.enroll_all(session, operation, wanted, now))


# -- recipients --------------------------------------------------------------------------------------------------------


def _recipients(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`: whom a broadcast is for; once, however often the file names them."""
    named = _Named(session, lines)

    def take(ids: Sequence[str]) -> Iterator[LineOutcome]:
        fresh = broadcast_members.add(session, operation.request["broadcast"], ids)
        for one in ids:
            yield one in fresh
            fresh.discard(one)

    return _take(lines, lambda line: named.id(line[1]), take)


KINDS: Mapping[str, ImportFormat] = {
    "customers": ImportFormat(required=("userId",), take=_customers),
    "consents": ImportFormat(required=("userId", "topic", "granted"), take=_consents),
    "enrollments": ImportFormat(required=("userId",), take=_enrollments),
    "recipients": ImportFormat(required=("userId",), take=_recipients),
}
"""By the kind of a file, but for events, which are taken in customer by customer."""
