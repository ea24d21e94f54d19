"""Something happens to a customer: it is put to everybody who listens, and what follows from it happens too.

All of one event happens under the customer's lock and in one transaction, so nothing falls between: an enrollment that
registers what it waits for either is registered here, or finds the event above its cursor. What follows from it
(joining a segment, a date that moves) happens in the same transaction.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from typing import Any

from sqlmodel import Session

from journeys.facts import guards
from journeys.facts.customer_facts import CustomerFacts
from journeys.facts.guard_cost import Purse, Purses
from journeys.facts.guards import ANY_EVENT, PROFILE_EVENTS, GuardResult
from journeys.machine.ahead import ADDRESS_KNOWN, ZONE_CHANGED
from journeys.program.nodes import is_heard
from journeys.program.program import Program
from journeys.rules import entry_rules
from services.attribution import rules
from services.attribution.rules import AttributionRules
from services.customers.attributes import due_dates, known_facts, unreadable
from services.customers.audiences import segments
from services.customers.audiences.segments import MembershipChange
from services.customers.history.event_log import EventLog, NewEvent
from services.definitions.journey_versions import journeys
from services.enrollments.controls import poking
from services.enrollments.entering import entry
from services.enrollments.entering.entry import Admission, Refusal, Request
from services.installation import installation_settings
from store.bulk import turns
from store.queries.definitions.journeys import LiveJourney
from store.queries.dispatching import listening
from store.queries.enrollment import enrollments, last_runs
from store.queries.upkeep import backfills
from store.tables.customers import Customer, Event, Segment
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Enrollment

DEEPEST = 5
"""Changes of segments that may follow from one another; more would be two segments that chase each other."""


_LOADED: dict[str, tuple[Sequence[tuple[Any, ...]], "Listeners"]] = {}
"""By database: the rules as they stood when they were read, and what they came to."""


@dataclass(frozen=True, kw_only=True)
class Listeners:
    """Who listens to events of everybody: the live journeys and the segments, loaded once for a batch.

    `attribution` says which mails are credited with an order.

    With `one_profile_per_address` an identify joins the customers who have the address that it says. Nobody is let into
    the journey `for_those_in` who is not in it already.
    """

    journeys: Sequence[LiveJourney]
    segments: Sequence[Segment]
    attribution: AttributionRules
    one_profile_per_address: bool = False
    for_those_in: str | None = None

    @staticmethod
    def load(session: Session) -> "Listeners":
        """Whoever listens now: one question, and read and compiled anew only where something has changed."""
        name, state = str(session.get_bind().engine.url), listening.state(session)
        kept = _LOADED.get(name)
        if kept is None or kept[0] != state:
            kept = _LOADED[name] = (state, Listeners._read(session))
        return kept[1]

    @staticmethod
    def _read(session: Session) -> "Listeners":
        """Copies that belong to no transaction, since many share them."""
        live = [(JourneyVersion(**version.model_dump()), program) for version, program in journeys.all_live(session)]
        return Listeners(
            journeys=live,
            segments=[Segment(**one.model_dump()) for one in segments.readable(session)],
            attribution=rules.of(session, [program for _, program in live]),
            one_profile_per_address=installation_settings.load(session).one_profile_per_address,
        )

    def but_for_newcomers_to(self, journey: str) -> "Listeners":
        """The same, who let nobody into this journey who is not in it: an import places them where they belong."""
        return replace(self, for_those_in=journey)

    def hear(self, name: str) -> bool:
        """Whether a journey or a segment listens to events of this name."""
        return is_heard(self._names, name)

    @cached_property
    def _names(self) -> frozenset[str]:
        """The names that are listened to; ANY_EVENT where something listens to all."""
        names = {trigger.event for _, program in self.journeys for trigger in program.triggers}
        names.update(*(guards.reads(one.guard) for one in self.segments))
        return frozenset(names | {*PROFILE_EVENTS} if any(program.dates for _, program in self.journeys) else names)


AddressedEvent = tuple[Customer, Event]
"""A stored event, and the locked customer whose it is."""

Enrolled = Mapping[str, list[str]]
"""The ids of the enrollments that were started, by customer."""


def record(
    session: Session, customer: Customer, event: NewEvent, listeners: Listeners, now: datetime, depth: int = 0
) -> list[str]:
    """`record_all` of one event; returns the ids of the enrollments it started."""
    return record_all(session, [(customer, event)], listeners, now, depth)[customer.id]


def record_all(
    session: Session,
    happened: Sequence[tuple[Customer, NewEvent]],
    listeners: Listeners,
    now: datetime,
    depth: int = 0,
    purses: Purses | None = None,
) -> Enrolled:
    """Append an event to each of some locked customers, who come once each, and put it to whoever listens.

    `depth` counts the events that made these happen, and `purses` is what guards may cost together with those of these.
    """
    if not happened:
        return {}
    log = EventLog(session, now)
    rows = [log.append(customer, event) for customer, event in happened]
    log.store()
    told = [(customer, Event(**row)) for (customer, _), row in zip(happened, rows, strict=True)]
    return tell_all(session, told, listeners, now, depth, purses)


def tell_all(
    session: Session,
    told: Sequence[AddressedEvent],
    listeners: Listeners,
    now: datetime,
    depth: int = 0,
    purses: Purses | None = None,
) -> Enrolled:
    """Put stored events, one of each customer, to everybody who listens, and let happen what follows from them.

    `purses` is what guards may cost together, where these events are part of more or follow from others.

    What happens to one customer is nothing to another, so each step is done for all of them by a few statements.
    """
    purses = purses or Purses()
    enrolled = {customer.id: list[str]() for customer, _ in told}
    changed = [customer for customer, event in told if event.name in PROFILE_EVENTS]
    due_dates.reschedule(session, changed, listeners.journeys, now)
    fresh = [one for one in told if one[1].fires]
    poke(session, [event for _, event in fresh], now)
    _let_in(session, fresh, listeners, now, enrolled, purses)
    if depth < DEEPEST:
        happened = [(customer, event.name) for customer, event in told]
        changes = segments.changes(session, happened, listeners.segments, now, purses)
        _add(enrolled, join_or_leave(session, changes, listeners, now, depth + 1, purses))
    return enrolled


def meet_all(
    session: Session,
    people: Sequence[tuple[Customer, str | None]],
    listeners: Listeners,
    now: datetime,
    purses: Purses,
) -> Enrolled:
    """Customers are new, or are known from now on: every segment that is true for them is theirs.

    So is one that nothing has told them about, such as *has never ordered*. Each comes with the event of theirs that
    was told already, with the segments that read it.
    """
    looks = [
        (one, customer)
        for customer, told in people
        for one in listeners.segments
        if told is None or not is_heard(guards.reads(one.guard), told)
    ]
    return join_or_leave(session, segments.evaluate(session, looks, now, purses), listeners, now, 1, purses)


def reevaluate(session: Session, customer: Customer, listeners: Listeners, now: datetime, purses: Purses) -> list[str]:
    """After a merge: segments and dates are worked out from what is known now."""
    due_dates.reschedule(session, [customer], listeners.journeys, now)
    poke_for_profiles(session, [customer.id], now)
    changes = segments.evaluate(session, [(one, customer) for one in listeners.segments], now, purses)
    return join_or_leave(session, changes, listeners, now, 1, purses).get(customer.id, [])


def reevaluate_everybody(session: Session, listeners: Listeners, now: datetime) -> None:
    """After many customers have come at once: their segments and dates are worked out in the background."""
    for segment in listeners.segments:
        backfills.start(session, segments.KIND, segment.key, now)
    for version, program in listeners.journeys:
        if program.dates:
            backfills.start(session, due_dates.KIND, version.journey, now)


def join_or_leave(
    session: Session,
    changes: Sequence[tuple[Customer, MembershipChange]],
    listeners: Listeners,
    now: datetime,
    depth: int = 0,
    purses: Purses | None = None,
) -> Enrolled:
    """A change of membership is an event like any other; several of one customer come one after the other."""
    enrolled: dict[str, list[str]] = {customer.id: [] for customer, _ in changes}
    for turn in turns(changes, lambda one: one[0].id):
        happened = [
            (customer, NewEvent(name=one.event, properties={"segment": one.segment}, at=now)) for customer, one in turn
        ]
        _add(enrolled, record_all(session, happened, listeners, now, depth, purses))
    return enrolled


def _add(enrolled: Enrolled, more: Enrolled) -> None:
    for customer_id, ids in more.items():
        enrolled[customer_id].extend(ids)


def poke(session: Session, events: Sequence[Event], now: datetime) -> None:
    """Poke each enrollment that waits for one of these events; one that nobody waits for costs nothing more."""
    fresh = [one for one in events if one.fires]
    if not fresh:
        return
    happened: defaultdict[str, set[str]] = defaultdict(set)
    for event in fresh:
        happened[event.customer_id] |= {event.name, ANY_EVENT}
    names = {name for each in happened.values() for name in each}
    waiting = {
        enrollment_id: workflow_id
        for customer_id, name, enrollment_id, workflow_id in enrollments.waiting(session, happened.keys(), names)
        if name in happened[customer_id]
    }
    poking.poke(session, waiting, now)


def poke_for_profiles(session: Session, customer_ids: Collection[str], now: datetime) -> None:
    """Poke each enrollment of these customers that waits for a local time, or for an address."""
    found = enrollments.waiting(session, customer_ids, {ZONE_CHANGED, ADDRESS_KNOWN}) if customer_ids else ()
    poking.poke(session, {enrollment_id: workflow_id for _, _, enrollment_id, workflow_id in found}, now)


def _let_in(
    session: Session,
    told: Sequence[AddressedEvent],
    listeners: Listeners,
    now: datetime,
    enrolled: Enrolled,
    purses: Purses,
) -> None:
    """Let customers into every journey that listens to their event; why not is on record."""
    known: dict[str, CustomerFacts] = {}
    for version, program in listeners.journeys:
        heard_by = [one for one in told if entry_rules.triggers(program, one[1].name, one[1].properties)]
        if version.journey == listeners.for_those_in:
            heard_by = _in_it(session, program, heard_by)
        if not heard_by:
            continue
        missing = [(customer, event.seq) for customer, event in heard_by if customer.id not in known]
        known |= known_facts.of_all(session, missing) if missing else {}
        wanted, refused = list[Request](), list[Refusal]()
        asked: list[tuple[str, str, GuardResult]] = []
        for customer, event in heard_by:
            seen = _judge(program, customer, event, known[customer.id], now, purses.of(customer.id), wanted, refused)
            asked += [(customer.id, f"journey {version.journey}", one) for one in seen]
        unreadable.note_asked(session, asked, now)
        entry.record_refusals(session, version.journey, refused, now)
        for started in entry.enroll_all(session, version, program, wanted, now):
            if isinstance(started, Enrollment):
                enrolled[started.customer_id].append(started.id)


def _in_it(session: Session, program: Program, told: Sequence[AddressedEvent]) -> Sequence[AddressedEvent]:
    """Those whose run is live that the event would start anew: of its key, where the journey has one."""
    runs = last_runs.of_customers(session, program.journey, {customer.id for customer, _ in told})
    keys = [entry_rules.key_of(program, known_facts.event_facts(event)) for _, event in told]
    return [
        one
        for one, key in zip(told, keys, strict=True)
        if key is not None and key in (theirs := runs.get(one[0].id, {})) and theirs[key].live
    ]


def _judge(
    program: Program,
    customer: Customer,
    event: Event,
    known: CustomerFacts,
    now: datetime,
    purse: Purse,
    wanted: list[Request],
    refused: list[Refusal],
) -> Sequence[GuardResult]:
    """Whether the event lets the customer in, as far as its trigger says; return the guards that were asked."""
    happened, about = known_facts.event_facts(event), {"event": event.name, "seq": event.seq}
    triggered = entry_rules.triggered(program, known, happened, now, purse)
    key = entry_rules.key_of(program, happened)
    if not triggered.enters:
        asked = [one.as_json() for one in triggered.asked]
        refused.append(Refusal(customer=customer, reason="guard_false", detail={**about, "guards": asked}))
    elif key is None:
        refused.append(Refusal(customer=customer, reason="no_key", detail=about))
    else:
        data = entry_rules.data_of(happened)
        admission = Admission(source=f"event {event.name}", key=key, cursor=event.seq, data=data)
        wanted.append(Request(customer=customer, admission=admission, about=about))
    return triggered.asked
