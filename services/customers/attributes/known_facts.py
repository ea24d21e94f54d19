"""What is known of a customer at one point of their history."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts, touches
from journeys.facts.customer_facts import Aggregate, CustomerFacts, Earlier, EventFacts
from services.installation import installation_settings, value_fit
from store.queries.history import events
from store.queries.identity.customers import CustomerRow
from store.tables.customers import Customer, Event
from value import customer_value, purchases
from value.customer_value import KeptPurchases
from value.orders import ORDER_EVENTS
from value.purchases import Purchases
from value.value_model import ValueModel

LATEST = 100
"""Events among which the last of a name is looked for first: a page of an index, where a name may have thousands."""


def facts_of(session: Session, customer: Customer, seq: int | None = None) -> CustomerFacts:
    """The facts now, or just after the event `seq`: what came later is taken out of the aggregates again.

    Attributes are always today's: how they were is not kept.
    """
    return of_all(session, [(customer, seq)])[customer.id]


def worth(session: Session, customer: Customer, now: datetime) -> Mapping[str, Any]:
    """What guards see as `customer.value`, as JSON."""
    return customer_value.told(customer.purchases, value_fit.load(session), now)["value"]


def of_all(
    session: Session, wanted: Iterable[tuple[Customer | CustomerRow, int | None]]
) -> Mapping[str, CustomerFacts]:
    """`known` of many customers, by their ids."""
    zone, model = installation_settings.load(session).timezone, value_fit.load(session)
    by_id = {customer.id: (customer, seq) for customer, seq in wanted}
    return {name: _facts(session, customer, seq, zone, model) for name, (customer, seq) in by_id.items()}


def _facts(
    session: Session, customer: Customer | CustomerRow, seq: int | None, zone: str, model: ValueModel
) -> CustomerFacts:
    stored = {name: Aggregate.from_json(one) for name, one in customer.events.items()}
    bought: KeptPurchases = customer.purchases
    if seq is not None and seq < customer.seq:
        before = _as_of(session, customer, stored, seq)
        if any(before[name] != stored[name] for name in ORDER_EVENTS if name in before):
            bought = purchases_up_to(session, customer.id, seq)
        stored |= before
    return CustomerFacts(
        attributes=attributes(customer),
        aggregates=stored,
        timezone=customer.timezone,
        segments=tuple(customer.segments),
        installation_zone=zone,
        purchases=bought,
        model=model,
        source=customer.source,
    )


def attributes(customer: Customer | CustomerRow) -> Mapping[str, Any]:
    """The attributes as guards and templates see them: `id` is who they are, whatever a trait of that name says."""
    return {**customer.attributes, "id": customer.external_id or customer.anonymous_id}


def for_templates(customer: Customer, model: ValueModel, now: datetime) -> dict[str, Any]:
    """The variable `customer` of templates and hooks, JSON alone; `model` is what the last fit found."""
    told = attributes(customer)
    worked_out = seen_by_templates(told, customer.purchases, customer.source, model, now)
    return {**told, "events": customer.events, **worked_out}


def seen_by_templates(
    attributes: Mapping[str, Any],
    purchases: KeptPurchases,
    source: Mapping[str, Any],
    model: ValueModel,
    now: datetime,
) -> dict[str, Any]:
    """What is worked out of a customer, as templates see it: `source`, `value` and `bought`, JSON alone."""
    touched = customer_value.as_json(touches.seen(source, attributes))
    return {"source": touched, **customer_value.told(purchases, model, now)}


def event_facts_at(session: Session, customer_id: str, seq: int | None) -> EventFacts | None:
    """The customer's event of this number, as guards read it; None without a number, or where it is gone."""
    event = events.get(session, customer_id, seq) if seq is not None else None
    return event_facts(event) if event is not None else None


def event_facts(event: Event) -> EventFacts:
    """An event, as guards read it."""
    return EventFacts(name=event.name, properties=event.properties, at=event.at)


# -- as of an event ----------------------------------------------------------------------------------------------------


def _as_of(
    session: Session, customer: Customer | CustomerRow, stored: Mapping[str, Aggregate], seq: int
) -> Mapping[str, Aggregate]:
    """The aggregates just after the event `seq`, by the shorter way: without what came later, or from the first on."""
    if seq <= customer.seq - seq:
        return dict.fromkeys(stored, customer_facts.NOTHING) | _folded(session, customer.id, seq)
    later: defaultdict[str, list[tuple[datetime, float]]] = defaultdict(list)
    for name, at, properties in events.after(session, customer.id, seq):
        later[name].append((at, customer_facts.amount(properties)))
    before = {name: customer_facts.before(stored[name], those) for name, those in later.items()}
    ends = _ends(session, customer.id, seq, before)
    unclear = [name for name, one in before.items() if one.sum is None]
    folded = _folded(session, customer.id, seq, unclear) if unclear else {}
    return {
        name: Aggregate(
            count=one.count,
            first_at=one.first_at or ends[name][0],
            last_at=one.last_at or ends[name][1],
            sum=folded[name].sum if one.sum is None else one.sum,
        )
        for name, one in before.items()
    }


def purchases_up_to(session: Session, customer_id: str, seq: int) -> Purchases:
    """What a customer bought up to the event `seq`, folded from the events themselves."""
    found = purchases.NONE
    for number, name, at, properties in events.numbered_up_to(session, customer_id, seq, ORDER_EVENTS):
        found = purchases.fold(found, name, at, properties, number)
    return found


def _ends(
    session: Session, customer_id: str, seq: int, before: Mapping[str, Earlier]
) -> Mapping[str, tuple[datetime | None, datetime | None]]:
    """By name the first and last instants up to the event `seq`, where the aggregates alone do not tell them.

    The last one is nearly always among the customer's latest events, in whatever order they came.
    """
    open_ended = {name for name, one in before.items() if one.count and one.last_at is None}
    latest = events.latest(session, customer_id, seq, LATEST) if open_ended else {}
    hidden = [name for name, one in before.items() if one.count and one.first_at is None] + [*(open_ended - {*latest})]
    found = events.ends(session, customer_id, seq, hidden) if hidden else {}
    return {name: found.get(name) or (None, latest.get(name)) for name in before}


def _folded(session: Session, customer_id: str, seq: int, names: Collection[str] | None = None) -> dict[str, Aggregate]:
    """Aggregates of the events up to `seq`, one after the other."""
    folded: defaultdict[str, Aggregate] = defaultdict(Aggregate)
    for name, at, properties in events.up_to(session, customer_id, seq, names):
        folded[name] = customer_facts.fold(folded[name], at, customer_facts.amount(properties))
    return folded
