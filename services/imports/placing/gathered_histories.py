"""All that is known of a customer as the core replays it, of one who is new as of one who was known before.

What happened comes in the order of its instants, whenever it came: an import brings what is older than what is there.
Attributes that an event has told are those of their time; how others were is not kept, so they are today's.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from operator import attrgetter, itemgetter
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import IDENTIFY, RecordedEvent
from services.customers.attributes import known_facts
from store.queries.history import events
from store.tables.customers import Customer

SPACING = 1_000
"""How far the numbers of a history are apart: what steps make happen is numbered between two events, and moves none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GatheredHistory:
    """A history with numbers of its own, and the numbers by which the store knows its events."""

    history: CustomerHistory
    numbers: Sequence[int]

    def number(self, own: int) -> int:
        """The store's number of an event of the history; of what a step made happen that of the event before it."""
        place = own // SPACING
        return self.numbers[place - 1] if place else 0


def gathered(customer: Customer, recorded: Iterable[RecordedEvent]) -> GatheredHistory:
    """The history of a customer who did this, as the store has numbered it."""
    ordered = sorted(recorded, key=attrgetter("at", "seq"))
    history = CustomerHistory(
        id=customer.id,
        events=[replace(one, seq=place * SPACING) for place, one in enumerate(ordered, start=1)],
        attributes=_from_the_start(customer, ordered),
        timezone=customer.timezone,
        source=customer.source,
        own_id=customer.external_id or customer.anonymous_id,
    )
    return GatheredHistory(history=history, numbers=[one.seq for one in ordered])


def stored(session: Session, those: Collection[Customer]) -> Mapping[str, GatheredHistory]:
    """The histories of locked customers by their ids, from the events that are kept."""
    found = events.whole_histories(session, [one.id for one in those])
    recorded = {
        customer_id: [RecordedEvent(seq=seq, name=name, at=at, properties=said) for _, seq, name, at, said in mine]
        for customer_id, mine in groupby(found, key=itemgetter(0))
    }
    return {one.id: gathered(one, recorded.get(one.id, ())) for one in those}


def _from_the_start(customer: Customer, recorded: Sequence[RecordedEvent]) -> Mapping[str, Any]:
    """What is known of the customer that no event has told."""
    told = {"id"}
    for one in recorded:
        if one.name == IDENTIFY:
            told.update(one.properties, customer_facts.merged({}, one.properties))
    known = {name: value for name, value in customer.attributes.items() if name not in told}
    return {**known, "id": known_facts.attributes(customer)["id"]}
