"""Files that are taken in: customers, events, consents, and whom to enroll."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session

from services import values
from services.customers.profiles import MOST_ATTRIBUTES
from services.definitions import journeys
from services.enrollments import bulk_entry
from services.enrollments.customer_events import Listeners
from services.errors import NotFound, ServiceError
from services.feedback import consents
from services.imports import event_files, files, placement
from services.ingestion import ingest, segment_api
from services.ingestion.segment_api import IncomingEvent
from services.operations import uploads
from services.operations.operations import Done, LineError, PageOfWork, counted
from services.values import Clock, Rejected
from store.queries import customers
from store.session import Database
from store.tables.access import Operation
from store.tables.broadcasts import BroadcastMember

BATCH = 500
"""Lines in one transaction, in which nobody else writes on SQLite: more would hold live events up, fewer would pay for
more commits."""

STAGED = 5_000
"""Lines between two signs of life while a file is sorted on disk: nothing is locked meanwhile."""

NumberedRecords = Sequence[tuple[int, Any]]
"""Lines with their numbers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportFormat:
    """What a file holds: the columns that it must have, and how a record is taken in."""

    required: tuple[str, ...]
    take: Callable[[Session, Operation, Listeners, int, Any, datetime], bool]


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of customers, consents or enrollments, some hundred lines at a time."""
    kind, format = KINDS[operation.request["kind"]], operation.request["format"]
    seen = int(operation.cursor or 0)
    with uploads.opened(database, operation.id) as file:
        lines = islice(files.records(file, format, kind.required), seen, None)
        while batch := list(islice(lines, BATCH)):
            seen += len(batch)
            yield _page(operation, kind, batch, seen, clock())


def _page(operation: Operation, kind: ImportFormat, batch: NumberedRecords, seen: int, now: datetime) -> PageOfWork:
    def do(session: Session) -> Done:
        listeners, errors, taken = Listeners.load(session), list[LineError](), 0
        for line, record in batch:
            try:
                if isinstance(record, ValueError):
                    raise Rejected("", str(record))
                values.check_values(_mapping(record))
                taken += kind.take(session, operation, listeners, line, record, now)
            except (Rejected, ServiceError) as refused:
                errors.append(LineError(line=line, reason=_reason(refused)))
        more = {"taken": taken, "repeated": len(batch) - taken - len(errors)}
        current = session.get(Operation, operation.id) or operation
        return Done(count=len(batch), cursor=str(seen), errors=errors, result=counted(current, more))

    return do


def _mapping(record: Any) -> Mapping[str, Any]:
    if not isinstance(record, dict):
        raise Rejected("", "a line is a JSON object")
    return record


def _reason(refused: Rejected | ServiceError) -> str:
    """What was wrong, without what somebody is called."""
    if isinstance(refused, NotFound):
        return "there is no such customer"
    return str(refused)


# -- customers ---------------------------------------------------------------------------------------------------------


def _customer(
    session: Session, operation: Operation, listeners: Listeners, line: int, record: Any, now: datetime
) -> bool:
    """`userId` and attributes, as columns or as `traits`; an identify event like any other."""
    traits = record.get("traits")
    if traits is None:
        traits = {name: event_files.number(value) for name, value in record.items() if name != "userId"}
    item = {"type": "identify", "userId": record.get("userId"), "traits": traits}
    if len(traits) > MOST_ATTRIBUTES:
        raise Rejected("traits", f"has {len(traits)} attributes; at most {MOST_ATTRIBUTES} are allowed")
    return _once(session, segment_api.read(item, now), f"{operation.id}:{line}", listeners, now)


def _once(session: Session, message: IncomingEvent, name: str, listeners: Listeners, now: datetime) -> bool:
    """Take a message in that is made of a line; the same line of the same operation is the same message."""
    return ingest.take(session, replace(message, message_id=name), listeners, now) is not None


# -- consents ----------------------------------------------------------------------------------------------------------

_YES, _NO = ("true", "yes", "1", "granted"), ("false", "no", "0", "withdrawn")


def _consent(
    session: Session, operation: Operation, listeners: Listeners, line: int, record: Any, now: datetime
) -> bool:
    """`userId`, `topic`, `granted` (yes or no); where it is known `at`, `source`, and whether it was `confirmed`."""
    topic, said = str(record.get("topic") or ""), str(record.get("granted")).strip().lower()
    if said not in _YES + _NO:
        raise Rejected("granted", f"must be one of {', '.join(_YES + _NO)}")
    at = values.instant(record["at"], "at") if record.get("at") else now
    source = str(record.get("source") or f"import {operation.id}")
    customer = customers.find(session, str(record.get("userId") or ""))
    if customer is None:
        raise NotFound("there is no such customer")
    confirmed = str(record.get("confirmed")).strip().lower() in _YES
    return consents.say(
        session, customer.id, topic, said in _YES, source[:200], at, now, confirmed=confirmed, heard=False
    )


# -- enrollments -------------------------------------------------------------------------------------------------------


def _enrollment(
    session: Session, operation: Operation, listeners: Listeners, line: int, record: Any, now: datetime
) -> bool:
    """`userId`; any other column is data of the enrollment. The re-entry rule holds, and a refusal is on record."""
    customer = customers.find(session, str(record.get("userId") or ""))
    if customer is None:
        raise NotFound("there is no such customer")
    data = {name: value for name, value in record.items() if name != "userId"}
    return bulk_entry.enroll(session, operation, customer.id, data, now)


# -- recipients --------------------------------------------------------------------------------------------------------


def _recipient(
    session: Session, operation: Operation, listeners: Listeners, line: int, record: Any, now: datetime
) -> bool:
    """`userId`: whom a broadcast is for; once, however often the file names them."""
    customer = customers.find(session, str(record.get("userId") or ""))
    if customer is None:
        raise NotFound("there is no such customer")
    name = (operation.request["broadcast"], customer.id)
    if session.get(BroadcastMember, name) is not None:
        return False
    session.add(BroadcastMember(broadcast=name[0], customer_id=name[1]))
    return True


KINDS: Mapping[str, ImportFormat] = {
    "customers": ImportFormat(required=("userId",), take=_customer),
    "consents": ImportFormat(required=("userId", "topic", "granted"), take=_consent),
    "enrollments": ImportFormat(required=("userId",), take=_enrollment),
    "recipients": ImportFormat(required=("userId",), take=_recipient),
}
"""By the kind of a file, but for events, which are taken in customer by customer."""


# -- events ------------------------------------------------------------------------------------------------------------


def events(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A file of events, sorted on disk: each customer's history at once, placed in a journey where one is named."""
    key, format = operation.request.get("journey"), operation.request["format"]
    with database.reading() as session:
        live = journeys.live(session, key) if key else None
    with event_files.Sorted() as ordered:
        with uploads.opened(database, operation.id) as file:
            lines = event_files.records(file, format)
            while batch := list(islice(lines, STAGED)):
                yield _note(ordered.add(batch, clock()), f"reading: {ordered.lines:,} lines")
        total, seen = ordered.lines, int(operation.cursor or 0)
        work = islice(ordered.customers(clock()), seen, None)
        for chunk in placement.chunks(work):
            seen += len(chunk)
            yield _placed(database, operation, chunk, live, str(seen), total, clock())


def _note(errors: Sequence[LineError], note: str) -> PageOfWork:
    return lambda session: Done(count=0, errors=errors, note=note)


def _placed(
    database: Database,
    operation: Operation,
    chunk: Sequence[placement.Work],
    live: Any,
    cursor: str,
    total: int,
    now: datetime,
) -> PageOfWork:
    def do(session: Session) -> Done:
        placed = placement.write(session, placement.prepare(session, chunk, live, now))
        counts = {name: getattr(placed, name) for name in ("customers", "events", "enrolled", "repeated")}
        current = session.get(Operation, operation.id) or operation
        return Done(
            count=sum(len(messages) for _, messages in chunk),
            cursor=cursor,
            errors=placed.errors,
            result=counted(current, counts),
            note="placing",
            total=total,
        )

    return do
