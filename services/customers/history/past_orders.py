"""What customers bought, folded from the events that are kept: for those who were there before it was."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter
from typing import Any

from sqlmodel import Session

from store.queries.history import events as event_rows
from store.tables.customers import Customer
from value import purchases
from value.orders import ORDER_EVENTS

KIND = "purchases"
"""The kind of its backfill, which a migration starts."""


NumberedEvent = tuple[int, str, datetime, Mapping[str, Any]]
"""An event's number, name, instant (UTC) and properties."""


def folded(events: Iterable[NumberedEvent]) -> dict[str, Any]:
    """What all events of a customer, in their order, say that they bought, as their row keeps it."""
    bought = purchases.NONE
    for seq, name, at, properties in events:
        bought = purchases.fold(bought, name, at, properties, seq)
    return bought.as_json()


def fold(session: Session, customers: Sequence[Customer]) -> None:
    """Fold the purchases of locked customers anew."""
    by_id = {one.id: one for one in customers}
    found = event_rows.of_names(session, by_id, ORDER_EVENTS)
    for customer_id, mine in groupby(found, key=itemgetter(0)):
        by_id[customer_id].purchases = folded(one[1:] for one in mine)
        session.add(by_id[customer_id])
