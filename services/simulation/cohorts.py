"""Customers of the store as the simulator takes them: their attributes and their recorded events.

Whoever goes through a cohort holds a page of it at a time, however many customers there are.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import groupby
from operator import attrgetter

from sqlmodel import Session

from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import RecordedEvent
from services.installation import value_fit
from store.queries.history import events
from store.queries.identity import customers
from store.session import Database
from store.tables.customers import Customer
from value.value_model import ValueModel

PAGE = 500
"""Customers that are read by one transaction, so that none stays open for as long as a simulation takes."""
"""Customers read at once, with all their events: so many are in memory."""


class RecordedCohort:
    """Everybody with at least one event from `begin` (or ever) up to `end`, with these events; read anew by each loop.

    In the order of their internal ids.
    """

    def __init__(self, database: Database, begin: datetime | None, end: datetime) -> None:
        self._database = database
        self._begin, self._end = begin, end

    def __len__(self) -> int:
        """How many there are; it looks each customer up."""
        with self._database.reading() as session:
            return customers.count_with_events(session, self._begin, self._end)

    def __iter__(self) -> Iterator[CustomerHistory]:
        """Each of them, read page by page, a transaction each."""
        last = ""
        while True:
            with self._database.reading() as session:
                page = customers.page(session, last, PAGE)
                histories = list(_histories(session, page, self._begin, self._end, value_fit.load(session)))
            if not page:
                return
            last = page[-1].id
            yield from histories


def _histories(
    session: Session, page: Sequence[Customer], begin: datetime | None, end: datetime, model: ValueModel
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
            id=customer.id,
            events=history,
            attributes=customer.attributes,
            timezone=customer.timezone,
            model=model,
            source=customer.source,
        )
