"""Ingestion: append the event, fold it into the aggregates, match who waits for it, let customers in.

All of one event happens under the customer's lock and in one transaction, so nothing falls between: an enrollment that
registers what it waits for either is registered here, or finds the event above its cursor.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select

from journeys import entering, facts
from journeys.facts import Aggregate
from journeys.program import Program
from services import enrolling, journeys, knowing, profiles, tracking
from services.errors import Refused
from services.tracking import Rejected, Tracked
from store import bulk, customers, dispatches
from store.dispatches import Priority
from store.tables import Customer, Dispatch, Enrollment, Event, Interest, JourneyVersion, Rejection
from store.types import new_id

STALE = timedelta(hours=72)

Live = Sequence[tuple[JourneyVersion, Program]]


@dataclass(slots=True)
class Outcome:
    """What became of a batch: accepted, repeats (known by messageId), and rejections by index."""

    accepted: int = 0
    repeated: int = 0
    rejected: list[tuple[int, Rejected]] = field(default_factory=list[tuple[int, Rejected]])
    enrolled: list[str] = field(default_factory=list[str])


def ingest(session: Session, items: Iterable[Any], now: datetime, sent_at: Any = None) -> Outcome:
    """Take a batch in. A message that is wrong is kept in the rejection log and does not stop the others."""
    outcome, live = Outcome(), journeys.all_live(session)
    seen: set[str] = set()
    for index, item in enumerate(items):
        try:
            message = tracking.read(item, now, sent_at)
            repeated = message.message_id is not None and (
                message.message_id in seen or bool(customers.known_message_ids(session, [message.message_id]))
            )
            if repeated:
                outcome.repeated += 1
                continue
            seen.add(message.message_id or "")
            outcome.enrolled += take(session, message, live, now)
            outcome.accepted += 1
        except Rejected as rejected:
            outcome.rejected.append((index, rejected))
            _keep(session, item, rejected, now)
    return outcome


def take(session: Session, message: Tracked, live: Live, now: datetime) -> list[str]:
    """Take one new message in; return the ids of the enrollments it started."""
    customer = profiles.resolve(session, message, now)
    if message.type in ("identify", "group"):
        profiles.take_traits(customer, message.traits, now)
    event = _append(session, customer, message, now)
    session.flush()
    if not event.fires:
        return []
    _notify(session, customer, event, now)
    return _triggers(session, customer, event, live, now)


def _append(session: Session, customer: Customer, message: Tracked, now: datetime) -> Event:
    customer.seq += 1
    customer.updated_at = now
    event = Event(
        id=new_id("evt"),
        message_id=message.message_id or new_id("msg"),
        customer_id=customer.id,
        seq=customer.seq,
        type=message.type,
        name=message.name,
        properties=dict(message.properties) if message.type != "identify" else dict(message.traits),
        fires=message.at > now - STALE,
        at=message.at,
        received_at=now,
    )
    stored = customer.events.get(message.name)
    before = Aggregate.from_json(stored) if stored else facts.NOTHING
    folded = facts.fold(before, event.at, facts.amount(event.properties))
    customer.events = {**customer.events, message.name: folded.as_json()}
    session.add(event)
    return event


def _notify(session: Session, customer: Customer, event: Event, now: datetime) -> None:
    """A signal to each enrollment that waits for this event; an event that nobody waits for costs nothing more."""
    query = (
        select(Enrollment)
        .join(Interest, col(Interest.enrollment_id) == Enrollment.id)
        .where(Interest.customer_id == customer.id, Interest.name == event.name)
    )
    payload = {"at": event.received_at.isoformat(), "seq": event.seq, "name": event.name}
    waiting = session.exec(query).all()
    bulk.add(
        session,
        Dispatch,
        [dispatches.row(dispatches.target(one), "event", payload, Priority.SIGNAL, now) for one in waiting],
    )


def _triggers(session: Session, customer: Customer, event: Event, live: Live, now: datetime) -> list[str]:
    """Let the customer into every journey that listens to the event; why not is on record."""
    listening = [one for one in live if entering.triggers(one[1], event.name)]
    if not listening:
        return []
    enrolled: list[str] = []
    known, happened = knowing.known(session, customer, event.seq), knowing.seen(event)
    for version, program in listening:
        because: dict[str, Any] = {"event": event.name, "seq": event.seq}
        triggered, key = entering.triggered(program, known, happened, now), entering.key_of(program, happened)
        if not triggered.enters:
            because["guards"] = [one.as_json() for one in triggered.asked]
            enrolling.record_refusal(session, version.journey, customer, "guard_false", now, because)
        elif key is None:
            enrolling.record_refusal(session, version.journey, customer, "no_key", now, because)
        else:
            enrolled += _enter(session, version, program, customer, event, key, now, because)
    return enrolled


def _enter(
    session: Session,
    version: JourneyVersion,
    program: Program,
    customer: Customer,
    event: Event,
    key: str,
    now: datetime,
    because: dict[str, Any],
) -> list[str]:
    try:
        source = f"event {event.name}"
        started = enrolling.enroll(
            session, version, program, customer, source=source, now=now, key=key, cursor=event.seq
        )
    except Refused as refused:
        detail = {**because, "because": refused.message}
        enrolling.record_refusal(session, version.journey, customer, refused.path or "refused", now, detail)
        return []
    return [started.id]


def _keep(session: Session, item: Any, rejected: Rejected, now: datetime) -> None:
    message_id, kind = (item.get("messageId"), item.get("type")) if isinstance(item, dict) else (None, None)
    session.add(
        Rejection(
            id=new_id("rej"),
            received_at=now,
            message_id=_printable(message_id),
            type=_printable(kind),
            path=_printable(rejected.path) or "",
            reason=_printable(rejected.reason) or "",
        )
    )


def _printable(value: Any) -> str | None:
    """Text that every database takes, whatever was sent."""
    if value is None:
        return None
    return str(value)[:300].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8", "replace")
