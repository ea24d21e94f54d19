"""Customers of the store as the simulator takes them: their attributes and their recorded events."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import RecordedEvent
from store.tables.customers import Customer, Event

PAGE = 500


def recorded(session: Session, begin: datetime | None, end: datetime) -> Iterator[CustomerHistory]:
    """Everybody with at least one event up to `end`; events before `begin` are left out."""
    last = ""
    while True:
        page = session.exec(
            select(Customer).where(col(Customer.id) > last).order_by(col(Customer.id)).limit(PAGE)
        ).all()
        if not page:
            return
        last = page[-1].id
        yield from _histories(session, page, begin, end)


def _histories(
    session: Session, page: Sequence[Customer], begin: datetime | None, end: datetime
) -> Iterator[CustomerHistory]:
    query = select(Event).where(col(Event.customer_id).in_([one.id for one in page]), col(Event.at) <= end)
    events: dict[str, list[Event]] = {}
    for event in session.exec(query if begin is None else query.where(col(Event.at) >= begin)).all():
        events.setdefault(event.customer_id, []).append(event)
    for customer in page:
        mine = sorted(events.get(customer.id, []), key=lambda one: (one.at, one.seq))
        if mine:
            history = [
                RecordedEvent(seq=seq, name=one.name, at=one.at, properties=one.properties)
                for seq, one in enumerate(mine, start=1)
            ]
            yield CustomerHistory(
                id=customer.id, events=history, attributes=customer.attributes, timezone=customer.timezone
            )
