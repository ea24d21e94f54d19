"""The event log: what customers did, numbered per customer and folded into the aggregates that guards read.

Events are collected, and stored by one statement each for customers and events. Who listens to an event is no matter of
the log's. Whoever appends holds the customer's lock, so that numbers have no gaps and no twins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from sqlalchemy.orm.attributes import set_committed_value
from sqlmodel import Session

from journeys.facts import customer_facts, touches
from services.customers.attributes.unreadable import UnreadInEvents
from store import bulk
from store.ids import new_id
from store.queries.history import event_names, events
from store.queries.identity import customers
from store.tables.customers import Customer
from value import purchases
from value.orders import ORDER_EVENTS
from value.purchases import OrderEvent, Purchases

STALE = timedelta(hours=72)
"""An event that happened longer ago only counts: whoever sends it late must not mail somebody about old news."""


class EventToAppend(Protocol):
    """An event that is to be appended: what happened, and when by our clock (UTC)."""

    @property
    def type(self) -> str: ...
    @property
    def name(self) -> str: ...
    @property
    def at(self) -> datetime: ...
    @property
    def properties(self) -> Mapping[str, Any]: ...
    @property
    def message_id(self) -> str | None: ...
    @property
    def said_at(self) -> datetime | None: ...
    @property
    def touch(self) -> Mapping[str, Any] | None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvent:
    """An event that the product itself makes. One without a `message_id` is never taken for a repeat."""

    name: str
    at: datetime
    type: str = "track"
    properties: Mapping[str, Any] = field(default_factory=dict[str, Any])
    message_id: str | None = None
    said_at: datetime | None = None
    touch: Mapping[str, Any] | None = None


@dataclass(slots=True)
class _Folded:
    """A customer with the events that are collected and not yet stored."""

    customer: Customer
    seq: int
    events: dict[str, Any]
    bought: Purchases | None = None
    source: Mapping[str, Any] | None = None


class EventLog:
    """The events of one transaction, collected until `store`; `now` is when they were received (UTC)."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session = session
        self._now = now
        self._stale = now - STALE
        self._rows: list[bulk.ColumnValues] = []
        self._folded: dict[str, _Folded] = {}
        self._unread = UnreadInEvents()
        self._ordered: list[OrderEvent] = []

    def append(self, customer: Customer, event: EventToAppend) -> bulk.ColumnValues:
        """Number an event of a locked customer and fold it into the aggregates; return its row, to be stored."""
        folded = self._folded.get(customer.id)
        if folded is None:
            folded = self._folded[customer.id] = _Folded(customer, customer.seq, dict(customer.events))
        folded.seq += 1
        folded.events[event.name] = customer_facts.fold_json(
            folded.events.get(event.name), event.at, customer_facts.amount(event.properties)
        )
        if event.name in ORDER_EVENTS:
            bought = folded.bought or Purchases.from_json(customer.purchases)
            self._ordered.append(
                OrderEvent.read(customer.id, folded.seq, event.name, event.at, event.properties, bought)
            )
            folded.bought = purchases.fold(bought, event.name, event.at, event.properties, folded.seq)
        if event.touch is not None:
            known = folded.source if folded.source is not None else customer.source
            after = touches.fold(known, event.touch)
            folded.source = after if after is not known else folded.source
        row: bulk.ColumnValues = {
            "id": new_id("evt"),
            "message_id": event.message_id or new_id("msg"),
            "customer_id": customer.id,
            "seq": folded.seq,
            "type": event.type,
            "name": event.name,
            "properties": event.properties,
            "fires": event.at > self._stale,
            "at": event.at,
            "received_at": self._now,
            "said_at": event.said_at,
        }
        self._rows.append(row)
        self._unread.look(customer.id, event.type, event.name, event.properties)
        return row

    def store(self, new: Sequence[Customer] = ()) -> None:
        """Store what was collected, and before it the customers who are `new`: in no session, and in no table."""
        known = self._fold(new)
        self._session.flush()
        customers.add(self._session, new)
        customers.change(self._session, known)
        events.add(self._session, self._rows)
        event_names.remember(self._session, (row["name"] for row in self._rows), self._now)
        self._unread.count(self._session, self._now)
        self._rows, self._folded = [], {}

    def take_ordered(self) -> list[OrderEvent]:
        """The order events that were appended since this was last asked."""
        ordered, self._ordered = self._ordered, []
        return ordered

    def _fold(self, new: Sequence[Customer]) -> list[bulk.ColumnValues]:
        """Let the customers know what was collected; return what there is to change of those who have a row."""
        unknown, rows = {one.id for one in new}, list[bulk.ColumnValues]()
        ordered = any(one.bought is not None for one in self._folded.values())
        touched = any(one.source is not None for one in self._folded.values())
        for key, one in self._folded.items():
            values: dict[str, Any] = {"seq": one.seq, "events": one.events, "updated_at": self._now}
            if ordered:
                values["purchases"] = one.bought.as_json() if one.bought else one.customer.purchases
            if touched:
                values["source"] = one.source if one.source is not None else one.customer.source
            for name, value in values.items():
                set_committed_value(one.customer, name, value)
            if key not in unknown:
                rows.append({"id": key, **values})
        return rows
