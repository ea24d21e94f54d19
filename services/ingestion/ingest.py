"""Ingestion: a batch of events, each checked, kept once, and put to the customer it is about.

A batch goes in phases. Every event is read; the customers that events name are found and locked; then, in the order in
which they were sent, events are attributed and appended, until one comes about somebody to whose last event somebody
listens. What was appended is stored by a few statements, the listeners are told, and it goes on. So a batch ends as if
each event had come alone, and costs a statement for each step of the way, not for each event.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from sqlmodel import Session

from journeys.facts.guard_cost import BATCH, Purse, Purses
from journeys.facts.guards import ANY_EVENT, PROFILE_EVENTS
from journeys.machine.ahead import ZONE_CHANGED
from journeys.simulation.simulator import IDENTIFY
from services.attribution import crediting
from services.customers.attributes import profiles
from services.customers.attributes.profile_changes import ProfileBefore, learned
from services.customers.history.event_log import EventLog, NewEvent
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.ingestion import merging, segment_api
from services.ingestion.identities import Identities
from services.ingestion.rights import EVERYTHING, Rights
from services.ingestion.segment_api import IncomingEvent
from services.values import Rejected
from store import bulk
from store.queries.enrollment import interests
from store.queries.history import events, rejections
from store.queries.identity import customer_words, identities
from store.tables.customers import Customer, Event


@dataclass(slots=True)
class IngestResult:
    """What became of a batch: accepted, repeats (known by messageId), and rejections by index."""

    accepted: int = 0
    repeated: int = 0
    rejected: list[tuple[int, Rejected]] = field(default_factory=list[tuple[int, Rejected]])
    enrolled: list[str] = field(default_factory=list[str])


def ingest(
    session: Session,
    items: Iterable[Any],
    now: datetime,
    sent_at: Any = None,
    *,
    strict: bool = False,
    rights: Rights = EVERYTHING,
) -> IngestResult:
    """Take a batch in. An event that is wrong is kept in the rejection log and does not stop the others.

    `sent_at` is the instant of sending by the client's clock; `strict` says that the batch was strictly JSON
    (`segment_api.parsed`).
    """
    result = IngestResult()
    items = list(items)
    incoming: list[tuple[int, IncomingEvent]] = []
    for index, item in enumerate(items):
        try:
            incoming.append((index, rights.apply(segment_api.read(item, now, sent_at, strict=strict))))
        except Rejected as rejected:
            result.rejected.append((index, rejected))
    taken = take_all(session, [event for _, event in incoming], Listeners.load(session), now, rights)
    for (index, _), outcome in zip(incoming, taken, strict=True):
        if outcome is None:
            result.repeated += 1
        elif isinstance(outcome, Rejected):
            result.rejected.append((index, outcome))
        else:
            result.accepted += 1
            result.enrolled += outcome
    rejections.add(session, [_rejection(items[index], rejected, now) for index, rejected in result.rejected])
    return result


def reject_unexpected(session: Session, item: Any, now: datetime) -> IngestResult:
    """What becomes of an event that raised what nobody expects: it is in the rejection log, like one that is wrong."""
    rejected = Rejected("", "something failed here that nobody expected; it was logged")
    rejections.add(session, [_rejection(item, rejected, now)])
    return IngestResult(rejected=[(0, rejected)])


def together(parts: Iterable[tuple[int, IngestResult]]) -> IngestResult:
    """The results of parts of a batch as one; each comes with the index of its first event."""
    whole = IngestResult()
    for first, part in parts:
        whole.accepted += part.accepted
        whole.repeated += part.repeated
        whole.rejected += [(first + index, rejected) for index, rejected in part.rejected]
        whole.enrolled += part.enrolled
    return whole


def take(session: Session, event: IncomingEvent, listeners: Listeners, now: datetime) -> list[str] | None:
    """Take one event in; return the ids of the enrollments it started, None where it is a repeat. Raise Rejected."""
    (outcome,) = take_all(session, [event], listeners, now)
    if isinstance(outcome, Rejected):
        raise outcome
    return outcome


def take_all(
    session: Session,
    incoming: Sequence[IncomingEvent],
    listeners: Listeners,
    now: datetime,
    rights: Rights = EVERYTHING,
) -> list[list[str] | Rejected | None]:
    """Take events in, in their order; return of each which enrollments it started, None where it is a repeat."""
    batch = _Batch(session, incoming, listeners, now, rights)
    known = events.known_message_ids(session, [one.message_id for one in incoming if one.message_id])
    outcomes: list[list[str] | Rejected | None] = []
    for event in incoming:
        if event.message_id in known:
            outcomes.append(None)
            continue
        batch.make_way(event)
        try:
            merged = batch.merge(event)
            customer, row = batch.record(event)
        except Rejected as rejected:
            outcomes.append(rejected)
            continue
        known.add(event.message_id or "")
        outcomes.append(batch.tell(customer, row, merged))
    batch.store()
    return outcomes


class _Batch:
    """The events of one transaction, with the customers whom they are about."""

    def __init__(
        self, session: Session, incoming: Sequence[IncomingEvent], listeners: Listeners, now: datetime, rights: Rights
    ) -> None:
        self._session = session
        self._listeners = listeners
        self._guards = Purse(BATCH)
        self._now = now
        self._identities = Identities(now, rights, by_address=listeners.one_profile_per_address)
        self._log = EventLog(session, now)
        found = self._identities.find(session, incoming)
        self._waited_for = dict(interests.of_customers(session, [one.id for one in found]))
        self._for_enrollments: list[Event] = []
        self._told: dict[str, tuple[Customer, Event]] = {}
        self._enrolled: dict[str, list[str]] = {}
        self._early: dict[str, list[str]] = {}
        self._moved: set[str] = set()
        self._renamed: dict[str, Customer] = {}
        self._learned: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def make_way(self, event: IncomingEvent) -> None:
        """What happens to a customer by one event has happened before the next is looked at."""
        if self._told and not self._told.keys().isdisjoint(self._identities.named_by(event)):
            self.store()

    def merge(self, event: IncomingEvent) -> bool:
        """Make one of the profiles that an event says are one person; whether there were any."""
        merged = False
        for source, target in self._identities.profiles_to_merge(event):
            self.store()
            before = [one.attributes for one in (source, target) if self._waits_for_the_profile(one)]
            merging.merge(self._session, source, target, self._now)
            self._identities.merged(source, target)
            self._waited_for |= {target.id: (), **interests.of_customers(self._session, [target.id])}
            self._learned[target.id] |= learned(before, target)
            merged = True
        return merged

    def record(self, event: IncomingEvent) -> tuple[Customer, bulk.ColumnValues]:
        """The way of one event: whose it is, what it says about them, and its row."""
        customer = self._identities.customer_of(event)
        before = ProfileBefore.of(customer)
        take_traits(customer, event, self._now)
        self._identities.has_address(customer)
        if before.is_found_otherwise(customer):
            self._renamed[customer.id] = customer
        if any(self._is_waited_for(customer, sign) for sign in before.signs(customer)):
            self._moved.add(customer.id)
        return customer, self._log.append(customer, event)

    def tell(self, customer: Customer, row: bulk.ColumnValues, merged: bool) -> list[str]:
        """Put an event to whoever listens, together with those of others.

        Return the list of the enrollments that it starts, which is whole once everything is stored.
        """
        enrolled = self._enrolled[customer.id] = self._early.pop(customer.id, [])
        if self._listeners.hear(row["name"]):
            self._told[customer.id] = (customer, Event(**row))
        elif self._is_waited_for(customer, row["name"]):
            self._for_enrollments.append(Event(**row))
        if merged:
            self.store()
            enrolled += self._tell_what_was_learned(customer)
            enrolled += self._looked_at_again(customer)
        return enrolled

    def _looked_at_again(self, customer: Customer) -> list[str]:
        purses = Purses(self._guards)
        return customer_events.reevaluate(self._session, customer, self._listeners, self._now, purses)

    def _tell_what_was_learned(self, customer: Customer) -> list[str]:
        """Whoever waits in a run for what the profile says hears of what the other one knew, as of any change of it."""
        told = self._learned.pop(customer.id, None)
        if not told:
            return []
        event = NewEvent(type="identify", name=IDENTIFY, properties=told, at=self._now)
        happened, purses = [(customer, event)], Purses(self._guards)
        started = customer_events.record_all(self._session, happened, self._listeners, self._now, purses=purses)
        return started[customer.id]

    def store(self) -> None:
        """Store what was appended, and tell whoever waits for it or listens."""
        (customers, aliases), known = self._identities.take_new(), self._identities.take_known()
        self._log.store(customers)
        crediting.credit(self._session, self._log.take_ordered(), self._listeners.attribution, self._now)
        for one in customers:
            self._renamed.pop(one.id, None)
        customer_words.renew(self._session, list(self._renamed.values()))
        self._renamed = {}
        identities.add_aliases(self._session, aliases)
        customer_events.poke(self._session, self._for_enrollments, self._now)
        customer_events.poke_for_profiles(self._session, self._moved, self._now)
        self._for_enrollments, self._moved = [], set()
        told, self._told = self._told, {}
        enrolled, self._enrolled = self._enrolled, {}
        fresh = [(one, told[one.id][1].name if one.id in told else None) for one in (*customers, *known)]
        purses = Purses(self._guards)
        for started in (
            customer_events.tell_all(self._session, list(told.values()), self._listeners, self._now, purses=purses),
            customer_events.meet_all(self._session, fresh, self._listeners, self._now, purses),
        ):
            for customer_id, ids in started.items():
                (enrolled if customer_id in enrolled else self._early).setdefault(customer_id, []).extend(ids)

    def _waits_for_the_profile(self, customer: Customer) -> bool:
        return not {*PROFILE_EVENTS, ZONE_CHANGED}.isdisjoint(self._waited_for.get(customer.id, ()))

    def _is_waited_for(self, customer: Customer, name: str) -> bool:
        names = self._waited_for.get(customer.id, ())
        return name in names or ANY_EVENT in names


def take_traits(customer: Customer, event: IncomingEvent, now: datetime) -> None:
    """What an identify or group call says about the customer. Raise Rejected where it says too much."""
    if event.type == "identify":
        profiles.take_traits(customer, event.traits, now)
    elif event.type == "group":
        profiles.take_group(customer, event.properties.get("groupId"), event.traits, now)


def _rejection(item: Any, rejected: Rejected, now: datetime) -> bulk.ColumnValues:
    sent = cast(dict[str, Any], item) if isinstance(item, dict) else {}
    return rejections.row(
        now, message_id=sent.get("messageId"), kind=sent.get("type"), path=rejected.path, reason=rejected.reason
    )
