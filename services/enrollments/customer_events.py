"""Something happens to a customer: it is put to everybody who listens, and what follows from it happens too.

All of one event happens under the customer's lock and in one transaction, so nothing falls between: an enrollment that
registers what it waits for either is registered here, or finds the event above its cursor. What follows from it
(joining a segment, a date that moves) happens in the same transaction.
"""

from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlmodel import Session

from journeys.facts import guards
from journeys.facts.guards import ANY_EVENT, PROFILE_EVENTS
from journeys.program.program import heard
from journeys.rules import entry_rules
from services.customers import due_dates, known_facts, segments
from services.customers.event_log import EventLog, NewEvent
from services.customers.segments import MembershipChange
from services.definitions import journeys
from services.enrollments import entry
from services.enrollments.entry import Admission
from services.errors import Refused
from store.queries import dispatches, enrollments
from store.queries import segments as segment_rows
from store.queries.dispatches import Priority
from store.queries.journeys import LiveJourney
from store.tables.customers import Customer, Event, Segment

DEEPEST = 5
"""Changes of segments that may follow from one another; more would be two segments that chase each other."""


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Who listens to events of everybody: the live journeys and the segments, loaded once for a batch."""

    journeys: Sequence[LiveJourney]
    segments: Sequence[Segment]

    @staticmethod
    def load(session: Session) -> "Listeners":
        """Whoever listens now."""
        return Listeners(journeys=journeys.all_live(session), segments=segment_rows.listed(session))

    def hear(self, name: str) -> bool:
        """Whether a journey or a segment listens to events of this name."""
        return heard(self._names, name)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names that are listened to; ANY_EVENT where something listens to all."""
        names = {trigger.event for _, program in self.journeys for trigger in program.triggers}
        names.update(*(guards.reads(one.guard) for one in self.segments))
        return frozenset(names | {*PROFILE_EVENTS} if any(program.dates for _, program in self.journeys) else names)


def record(
    session: Session, customer: Customer, event: NewEvent, listeners: Listeners, now: datetime, depth: int = 0
) -> list[str]:
    """Append one event of a locked customer and put it to whoever listens.

    `depth` counts the events that made it happen. Returns the ids of the enrollments it started.
    """
    log = EventLog(session, now)
    row = log.append(customer, event)
    log.store()
    return tell(session, customer, Event(**row), listeners, now, depth)


def tell(
    session: Session, customer: Customer, event: Event, listeners: Listeners, now: datetime, depth: int = 0
) -> list[str]:
    """Put a stored event to everybody who listens, and let happen what follows from it.

    Returns the ids of the enrollments that were started.
    """
    if event.name in PROFILE_EVENTS:
        due_dates.reschedule(session, customer, listeners.journeys, now)
    enrolled = list[str]()
    if event.fires:
        signal(session, [event], now)
        enrolled += _let_in(session, customer, event, listeners.journeys, now)
    if depth < DEEPEST:
        for change in segments.changes(session, customer, event.name, listeners.segments, now):
            enrolled += join_or_leave(session, customer, change, listeners, now, depth + 1)
    return enrolled


def look_again(session: Session, customer: Customer, listeners: Listeners, now: datetime) -> list[str]:
    """After a merge: segments and dates are worked out from what is known now."""
    due_dates.reschedule(session, customer, listeners.journeys, now)
    enrolled = list[str]()
    for segment in listeners.segments:
        change = segments.evaluate(session, segment, customer, now)
        if change is not None:
            enrolled += join_or_leave(session, customer, change, listeners, now, 1)
    return enrolled


def join_or_leave(
    session: Session,
    customer: Customer,
    change: MembershipChange,
    listeners: Listeners,
    now: datetime,
    depth: int = 0,
) -> list[str]:
    """A change of membership is an event like any other."""
    event = NewEvent(name=change.event, properties={"segment": change.segment}, at=now)
    return record(session, customer, event, listeners, now, depth)


def signal(session: Session, events: Sequence[Event], now: datetime) -> None:
    """A signal to each enrollment that waits for one of these events; one that nobody waits for costs nothing more."""
    fresh = [one for one in events if one.fires]
    if not fresh:
        return
    waiting: defaultdict[tuple[str, str], dict[str, str]] = defaultdict(dict)
    customers, names = {one.customer_id for one in fresh}, {ANY_EVENT, *(one.name for one in fresh)}
    for customer_id, name, enrollment_id, workflow_id in enrollments.waiting(session, customers, names):
        waiting[customer_id, name][enrollment_id] = workflow_id
    rows = [
        dispatches.row(enrollment_id, workflow_id, "event", _signalled(event), Priority.SIGNAL, now)
        for event in fresh
        for enrollment_id, workflow_id in (
            waiting[event.customer_id, event.name] | waiting[event.customer_id, ANY_EVENT]
        ).items()
    ]
    dispatches.add(session, rows)


def _signalled(event: Event) -> dict[str, Any]:
    return {"at": event.received_at.isoformat(), "seq": event.seq, "name": event.name}


def _let_in(
    session: Session, customer: Customer, event: Event, live: Sequence[LiveJourney], now: datetime
) -> list[str]:
    """Let the customer into every journey that listens to the event; why not is on record."""
    listening = [one for one in live if entry_rules.triggers(one[1], event.name, event.properties)]
    if not listening:
        return []
    enrolled: list[str] = []
    known, happened = known_facts.known(session, customer, event.seq), known_facts.seen(event)
    for version, program in listening:
        about: dict[str, Any] = {"event": event.name, "seq": event.seq}
        triggered, key = entry_rules.triggered(program, known, happened, now), entry_rules.key_of(program, happened)
        if not triggered.enters:
            about["guards"] = [one.as_json() for one in triggered.asked]
            entry.record_refusal(session, version.journey, customer, "guard_false", now, about)
        elif key is None:
            entry.record_refusal(session, version.journey, customer, "no_key", now, about)
        else:
            admission = Admission(
                source=f"event {event.name}", key=key, cursor=event.seq, data=entry_rules.data_of(happened)
            )
            with suppress(Refused):
                started = entry.enroll_on_record(session, version, program, customer, admission, now, about)
                enrolled.append(started.id)
    return enrolled
