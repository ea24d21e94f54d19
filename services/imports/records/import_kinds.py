"""What a file may hold, but for events: customers, consents, whom to enroll, for whom a broadcast is, rates.

Each kind reads a line by itself, and takes many that were read at once.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar, cast

from sqlmodel import Session

from services import values
from services.customers.attributes.profiles import MOST_ATTRIBUTES
from services.enrollments.entering import bulk_entry
from services.enrollments.entering.bulk_entry import Wanted
from services.enrollments.entering.customer_events import Listeners
from services.errors import NotFound, ServiceError
from services.feedback.answers import consents
from services.feedback.answers.consents import Statement
from services.imports.files.columns import ColumnRules
from services.imports.records import rate_lines
from services.imports.records.rate_lines import RateLine
from services.ingestion import ingest, segment_api
from services.ingestion.segment_api import IncomingEvent
from services.values import Rejected
from store.queries.definitions import broadcast_members
from store.queries.identity import customers
from store.tables.access import Operation

ReadItem = TypeVar("ReadItem")

Line = tuple[int, Mapping[str, Any]]
"""The number of a line, and its record."""

LineOutcome = bool | Rejected | ServiceError
"""Whether a line was taken (False where it says nothing new), or why not."""

ReadLine = Callable[[Line], ReadItem]
"""What a line says. Raises Rejected or ServiceError."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImportKind:
    """What a file holds.

    `rules` say which columns it has. `reader` makes, for some lines at once, what reads each of them, and changes
    nothing; `take` takes them in, and returns the outcome of each, in their order.
    """

    rules: ColumnRules
    reader: Callable[[Session, str, Sequence[Line], datetime], ReadLine[object]]
    take: Callable[[Session, Operation, Sequence[Line], datetime], Sequence[LineOutcome]]


def mapping(record: Any) -> Mapping[str, Any]:
    """A record that a database can keep; raise Rejected."""
    if isinstance(record, ValueError):
        raise Rejected("", str(record))
    if not isinstance(record, dict):
        raise Rejected("", "a line is a JSON object")
    values.check_values(cast(dict[str, Any], record))
    return cast(dict[str, Any], record)


def reason(refused: LineOutcome) -> str:
    """What was wrong, without what somebody is called."""
    if isinstance(refused, NotFound):
        return "there is no such customer"
    return str(refused)


def _take(
    lines: Sequence[Line], read: ReadLine[ReadItem], take: Callable[[Sequence[ReadItem]], Iterable[LineOutcome]]
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

    return _take(lines, _customer_reader(session, operation.id, lines, now), take)


def _customer_reader(
    session: Session, operation_id: str, lines: Sequence[Line], now: datetime
) -> ReadLine[IncomingEvent]:
    return lambda line: _identified(operation_id, line, now)


def _identified(operation_id: str, line: Line, now: datetime) -> IncomingEvent:
    """A line as a message; the same line of the same operation is the same message. Raises Rejected."""
    number, record = line
    traits = record.get("traits")
    if traits is None:
        traits = {name: value for name, value in record.items() if name != "userId"}
    if len(traits) > MOST_ATTRIBUTES:
        raise Rejected("traits", f"has {len(traits)} attributes; at most {MOST_ATTRIBUTES} are allowed")
    item = {"type": "identify", "userId": record.get("userId"), "traits": traits}
    return replace(segment_api.read(item, now), message_id=f"{operation_id}:{number}")


# -- consents ----------------------------------------------------------------------------------------------------------

_YES, _NO = ("true", "yes", "1", "granted"), ("false", "no", "0", "withdrawn")


def _consents(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`, `topic`, `granted` (yes or no); where it is known `at`, `source`, and whether it was `confirmed`."""

    def take(statements: Sequence[Statement]) -> Iterator[LineOutcome]:
        by_id = {one.id: one for one in customers.lock_all(session, {one.customer_id for one in statements})}
        for kept in consents.keep_all(session, by_id, statements, now):
            yield kept if isinstance(kept, ServiceError) else kept is not None

    return _take(lines, _consent_reader(session, operation.id, lines, now), take)


def _consent_reader(session: Session, operation_id: str, lines: Sequence[Line], now: datetime) -> ReadLine[Statement]:
    named = _Named(session, lines)
    return lambda line: _statement(operation_id, named, line[1], now)


def _statement(operation_id: str, named: _Named, record: Mapping[str, Any], now: datetime) -> Statement:
    said = str(record.get("granted")).strip().lower()
    if said not in _YES + _NO:
        raise Rejected("granted", f"must be one of {', '.join(_YES + _NO)}")
    return Statement(
        at=values.instant(record["at"], "at") if record.get("at") else now,
        customer_id=named.id(record),
        topic=str(record.get("topic") or ""),
        granted=said in _YES,
        source=str(record.get("source") or f"import {operation_id}")[:200],
        confirmed=str(record.get("confirmed")).strip().lower() in _YES,
    )


# -- enrollments -------------------------------------------------------------------------------------------------------


def _enrollments(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`; any other column is data of the enrollment. The re-entry rule holds, and a refusal is on record."""
    read = _enrollment_reader(session, operation.id, lines, now)
    return _take(lines, read, lambda wanted: bulk_entry.enroll_all(session, operation, wanted, now))


def _enrollment_reader(session: Session, operation_id: str, lines: Sequence[Line], now: datetime) -> ReadLine[Wanted]:
    named = _Named(session, lines)

    def read(line: Line) -> Wanted:
        return named.id(line[1]), {name: value for name, value in line[1].items() if name != "userId"}

    return read


# -- recipients --------------------------------------------------------------------------------------------------------


def _recipients(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`userId`: whom a broadcast is for; once, however often the file names them."""

    def take(ids: Sequence[str]) -> Iterator[LineOutcome]:
        fresh = broadcast_members.add(session, operation.request["broadcast"], ids)
        for one in ids:
            yield one in fresh
            fresh.discard(one)

    return _take(lines, _recipient_reader(session, operation.id, lines, now), take)


def _recipient_reader(session: Session, operation_id: str, lines: Sequence[Line], now: datetime) -> ReadLine[str]:
    named = _Named(session, lines)
    return lambda line: named.id(line[1])


# -- rates of currencies -----------------------------------------------------------------------------------------------


def _rates(session: Session, operation: Operation, lines: Sequence[Line], now: datetime) -> Sequence[LineOutcome]:
    """`day`, `currency`, `rate`: what one unit of the currency is worth in the main one."""
    return _take(lines, _rate_reader(session, operation.id, lines, now), lambda found: rate_lines.keep(session, found))


def _rate_reader(session: Session, operation_id: str, lines: Sequence[Line], now: datetime) -> ReadLine[RateLine]:
    main = rate_lines.main_currency(session)
    return lambda line: rate_lines.read(line[1], main)


_RATE = ("day", "currency", "rate")
_ID = ("userId",)
_TRAITS = ("email", "phone", "first_name", "last_name", "name", "timezone", "locale", "created_at")
_CONSENT = ("topic", "granted", "at", "source", "confirmed")

KINDS: Mapping[str, ImportKind] = {
    "customers": ImportKind(
        rules=ColumnRules(required=_ID, texts=_ID + _TRAITS), reader=_customer_reader, take=_customers
    ),
    "consents": ImportKind(
        rules=ColumnRules(required=(*_ID, "topic", "granted"), texts=_ID + _CONSENT),
        reader=_consent_reader,
        take=_consents,
    ),
    "enrollments": ImportKind(rules=ColumnRules(required=_ID, texts=_ID), reader=_enrollment_reader, take=_enrollments),
    "recipients": ImportKind(rules=ColumnRules(required=_ID, texts=_ID), reader=_recipient_reader, take=_recipients),
    "rates": ImportKind(rules=ColumnRules(required=_RATE, texts=_RATE), reader=_rate_reader, take=_rates),
}
"""By the kind of a file, but for events, which are taken in customer by customer."""
