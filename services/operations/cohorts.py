"""Customers of the store as the simulator takes them: their attributes and their recorded events."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlmodel import Session

from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import RecordedEvent
from store.queries import customers, events
from store.tables.customers import Customer

PAGE = 500
"""Customers read at once, with all their events: so many are in memory."""


def recorded(session: Session, begin: datetime | None, end: datetime) -> Iterator[CustomerHistory]:
    """Everybody with at least one event up to `end`; events before `begin` are left out."""
    last = ""
    while True:
        page = customers.page(session, last, PAGE)
        if not page:
            return
        last = page[-1].id
        yield from _histories(session, page, begin, end)


def _histories(
    session: Session, page: Sequence[Customer], begin: datetime | None, end: datetime
) -> Iterator[CustomerHistory]:
    found = events.of_customers(session, [one.id for one in page], begin, end)
    by_id = {one.id: one for one in page}
    for customer_id, mine in groupby(found, key=attrgetter("customer_id")):
        customer = by_id[customer_id]
        history = [
            RecordedEvent(seq=seq, name=one.name, at=one.at, properties=one.properties)
            for seq, one in enumerate(mine, start=1)
        ]
        yield CustomerHistory(
            id=customer.id, events=history, attributes=customer.attributes, timezone=customer.timezone
        )
