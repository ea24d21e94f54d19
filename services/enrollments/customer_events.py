"""Something happens to a customer: it is appended, folded into the aggregates, and put to everybody who listens.

All of one event happens under the customer's lock and in one transaction, so nothing falls between: an enrollment that
registers what it waits for either is registered here, or finds the event above its cursor. What follows from it
(joining a segment, a date that moves) happens in the same transaction.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session, col, select

from journeys.facts import customer_facts, guards
from journeys.facts.guards import ANY_EVENT, PROFILE_EVENTS
from journeys.program.program import Program, heard
from journeys.rules import entry_rules
from services.customers import due_dates, known_facts, segments
from services.definitions import journeys
from services.enrollments import entry
from services.errors import Refused
from store import bulk
from store.ids import new_id
from store.queries import dispatches, event_names
from store.queries.dispatches import Priority
from store.tables.customers import Customer, Event, Segment
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Dispatch, Enrollment, Interest

STALE = timedelta(hours=72)
DEEPEST = 5

Live = Sequence[tuple[JourneyVersion, Program]]


@dataclass(slots=True, kw_only=True)
class What:
    """What happened, and when by our clock. `depth` counts what made it happen. Not frozen, for speed."""

    type: str
    name: str
    at: datetime
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    message_id: str | None = None
    depth: int = 0


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Who listens: the live journeys and the segments, loaded once for a batch."""

    live: Live
    segments: Sequence[Segment]

    @staticmethod
    def load(session: Session) -> "Rules":
        return Rules(live=journeys.all_live(session), segments=segments.listed(session))

    @cached_property
    def heard(self) -> frozenset[str]:
        """The names of events that a journey or a segment listens to; ANY_EVENT where one listens to all."""
        names = {trigger.event for _, program in self.live for trigger in program.triggers}
        names.update(*(guards.reads(one.guard) for one in self.segments))
        return frozenset(names | {*PROFILE_EVENTS} if any(program.dates for _, program in self.live) else names)


@dataclass(slots=True)
class _Changed:
    """A customer with the events that are collected and not yet stored."""

    customer: Customer
    seq: int
    events: dict[str, Any]


class Happenings:
    """What happens in one transaction. Events that nobody waits for are collected, and stored by one statement."""

    def __init__(self, session: Session, rules: Rules, now: datetime) -> None:
        self._session = session
        self._rules = rules
        self._now = now
        self._rows: list[bulk.Row] = []
        self._names: dict[str, None] = {}
        self._changed: dict[str, _Changed] = {}

    def happen(self, customer: Customer, what: What, waited_for: bool = True) -> list[str]:
        """Let it happen to a locked customer; return the ids of the enrollments it started.

        `waited_for` is False where the caller knows that no enrollment waits for this event.
        """
        row = self._append(customer, what)
        if not waited_for and not heard(self._rules.heard, what.name):
            return []
        self.flush()
        return self._put(customer, row, what)

    def flush(self) -> None:
        """Store what was collected."""
        self._session.flush()
        self._write_customers()
        bulk.add(self._session, Event, self._rows)
        event_names.remember_all(self._session, self._names, self._now)
        self._rows, self._names = [], {}

    def _write_customers(self) -> None:
        """By one statement, past the unit of work, which takes four times as long for many."""
        rows: list[bulk.Row] = []
        for one in self._changed.values():
            values = {"seq": one.seq, "events": one.events, "updated_at": self._now}
            for name, value in values.items():
                set_committed_value(one.customer, name, value)
            rows.append({"id": one.customer.id, **values})
        bulk.change(self._session, Customer, rows)
        self._changed = {}

    def look_again(self, customer: Customer) -> list[str]:
        """After a merge: segments and dates are worked out from what is known now."""
        self.flush()
        due_dates.reschedule(self._session, customer, self._rules.live, self._now)
        enrolled: list[str] = []
        for segment in self._rules.segments:
            change = segments.evaluate(self._session, segment, customer, self._now)
            if change is not None:
                enrolled += join_or_leave(self._session, customer, change, self._rules, self._now, 1)
        return enrolled

    def _append(self, customer: Customer, what: What) -> bulk.Row:
        changed = self._changed.get(customer.id)
        if changed is None:
            changed = self._changed[customer.id] = _Changed(customer, customer.seq, dict(customer.events))
        changed.seq += 1
        changed.events[what.name] = customer_facts.fold_json(
            changed.events.get(what.name), what.at, customer_facts.amount(what.properties)
        )
        row: bulk.Row = {
            "id": new_id("evt"),
            "message_id": what.message_id or new_id("msg"),
            "customer_id": customer.id,
            "seq": changed.seq,
            "type": what.type,
            "name": what.name,
            "properties": what.properties,
            "fires": what.at > self._now - STALE,
            "at": what.at,
            "received_at": self._now,
        }
        self._rows.append(row)
        self._names[what.name] = None
        return row

    def _put(self, customer: Customer, row: bulk.Row, what: What) -> list[str]:
        """Put an event to everybody who listens, and let happen what follows from it."""
        session, rules, now = self._session, self._rules, self._now
        event, enrolled = Event(**row), list[str]()
        if what.name in PROFILE_EVENTS:
            due_dates.reschedule(session, customer, rules.live, now)
        if event.fires:
            _notify(session, customer, event, now)
            enrolled = _triggers(session, customer, event, rules.live, now)
        if what.depth < DEEPEST:
            for follows in segments.changes(session, customer, what.name, rules.segments, now):
                enrolled += join_or_leave(session, customer, follows, rules, now, what.depth + 1)
        return enrolled


def happen(session: Session, customer: Customer, what: What, rules: Rules, now: datetime) -> list[str]:
    """Let one thing happen to a locked customer; return the ids of the enrollments it started."""
    happenings = Happenings(session, rules, now)
    enrolled = happenings.happen(customer, what)
    happenings.flush()
    return enrolled


def join_or_leave(
    session: Session, customer: Customer, change: segments.Change, rules: Rules, now: datetime, depth: int = 0
) -> list[str]:
    """A change of membership is an event like any other."""
    what = What(type="track", name=change.event, properties={"segment": change.segment}, at=now, depth=depth)
    return happen(session, customer, what, rules, now)


def _notify(session: Session, customer: Customer, event: Event, now: datetime) -> None:
    """A signal to each enrollment that waits for this event; an event that nobody waits for costs nothing more."""
    query = (
        select(Enrollment)
        .join(Interest, col(Interest.enrollment_id) == Enrollment.id)
        .where(Interest.customer_id == customer.id, col(Interest.name).in_([event.name, ANY_EVENT]))
        .distinct()
    )
    payload = {"at": event.received_at.isoformat(), "seq": event.seq, "name": event.name}
    bulk.add(
        session,
        Dispatch,
        [
            dispatches.row(one.id, one.workflow_id, "event", payload, Priority.SIGNAL, now)
            for one in session.exec(query).all()
        ],
    )


def _triggers(session: Session, customer: Customer, event: Event, live: Live, now: datetime) -> list[str]:
    """Let the customer into every journey that listens to the event; why not is on record."""
    listening = [one for one in live if entry_rules.triggers(one[1], event.name, event.properties)]
    if not listening:
        return []
    enrolled: list[str] = []
    known, happened = known_facts.known(session, customer, event.seq), known_facts.seen(event)
    for version, program in listening:
        because: dict[str, Any] = {"event": event.name, "seq": event.seq}
        triggered, key = entry_rules.triggered(program, known, happened, now), entry_rules.key_of(program, happened)
        if not triggered.enters:
            because["guards"] = [one.as_json() for one in triggered.asked]
            entry.record_refusal(session, version.journey, customer, "guard_false", now, because)
        elif key is None:
            entry.record_refusal(session, version.journey, customer, "no_key", now, because)
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
        started = entry.enroll(
            session,
            version,
            program,
            customer,
            source=source,
            now=now,
            key=key,
            cursor=event.seq,
            data=entry_rules.data_of(known_facts.seen(event)),
        )
    except Refused as refused:
        detail = {**because, "because": refused.message}
        entry.record_refusal(session, version.journey, customer, refused.path or "refused", now, detail)
        return []
    return [started.id]
