"""What is known of a customer at one point of their history."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts
from journeys.facts.customer_facts import Aggregate, CustomerFacts, EventFacts
from services.installation import installation_settings
from store.queries import events
from store.tables.customers import Customer, Event


def known(session: Session, customer: Customer, seq: int | None = None) -> CustomerFacts:
    """The facts now, or just after the event `seq`: what came later is taken out of the aggregates again."""
    stored = {name: Aggregate.from_json(one) for name, one in customer.events.items()}
    if seq is not None and seq < customer.seq:
        for name in events.names_above(session, customer.id, seq):
            stored[name] = _fold_again(session, customer.id, name, seq)
    return CustomerFacts(
        attributes=attributes(customer),
        aggregates=stored,
        timezone=customer.timezone,
        segments=tuple(customer.segments),
        installation_zone=installation_settings.load(session).timezone,
    )


def seq_at(session: Session, customer: Customer, at: datetime) -> int | None:
    """The last event received by `at`, where later ones have come already; None where there are none to leave out.

    A question that was due at an instant is answered as of that instant, however late somebody gets round to it.
    """
    last = events.get(session, customer.id, customer.seq)
    if last is None or last.received_at <= at:
        return None
    return events.last_seq_by(session, customer.id, at)


def attributes(customer: Customer) -> Mapping[str, Any]:
    """The attributes as guards and templates see them: `id` is who they are, whatever a trait of that name says."""
    return {**customer.attributes, "id": customer.external_id or customer.anonymous_id}


def happened(session: Session, customer_id: str, seq: int | None) -> EventFacts | None:
    event = events.get(session, customer_id, seq) if seq is not None else None
    return seen(event) if event is not None else None


def seen(event: Event) -> EventFacts:
    return EventFacts(name=event.name, properties=event.properties, at=event.at)


def _fold_again(session: Session, customer_id: str, name: str, seq: int) -> Aggregate:
    folded = customer_facts.NOTHING
    for event in events.up_to(session, customer_id, name, seq):
        folded = customer_facts.fold(folded, event.at, customer_facts.amount(event.properties))
    return folded
