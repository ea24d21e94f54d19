"""What a customer bought, folded from their order events, whatever the order in which these come.

An order counts once however often it is told, and a refund or a cancellation takes it back, also one that comes before
it. The latest KEPT orders are kept as they are; what is older is only added up (`earlier`), and can no longer be taken
back. Amounts of different currencies are never summed.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from math import fsum
from typing import Any

from value import orders
from value.earlier_orders import NOTHING_EARLIER, EarlierOrders
from value.orders import OrderLine, OrderSaid

KEPT = 40
"""Orders of a customer that are kept one by one: nearly everybody's all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """One order; `at` (UTC) is None while only what takes it back has come.

    `taken_back` are the amounts of its refunds with their currencies, None for one of the whole order; `returned` are
    the lines that came back. `left_out` counts lines that are not kept.
    """

    at: datetime | None
    amount: float | None = None
    currency: str = orders.UNSTATED
    lines: Sequence[OrderLine] = ()
    left_out: int = 0
    taken_back: Sequence[tuple[float | None, str]] = ()
    returned: Sequence[OrderLine] = ()

    @property
    def counts(self) -> bool:
        """Whether it is an order that was not taken back as a whole."""
        if self.at is None or any(amount is None for amount, _ in self.taken_back):
            return False
        return not self.taken_back or self.amount is None or self.worth != 0.0 or self.amount == 0.0

    @property
    def worth(self) -> float | None:
        """Its amount without what was paid back of it, never below zero; None where nobody could read it."""
        if self.amount is None:
            return None
        back = fsum(
            amount or 0.0 for amount, currency in self.taken_back if currency in (self.currency, orders.UNSTATED)
        )
        return round(max(0.0, self.amount - back), 6)

    def as_json(self) -> dict[str, Any]:
        """As a customer's row keeps it."""
        kept: dict[str, Any] = {"at": self.at.isoformat() if self.at else None, "amount": self.amount}
        kept["currency"] = self.currency
        parts = {
            "lines": [one.as_json() for one in self.lines],
            "left_out": self.left_out,
            "taken_back": [list(one) for one in self.taken_back],
            "returned": [one.as_json() for one in self.returned],
        }
        return kept | {name: value for name, value in parts.items() if value}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "Order":
        """What `as_json` has written; raise KeyError for anything else."""
        return Order(
            at=datetime.fromisoformat(kept["at"]) if kept["at"] else None,
            amount=kept["amount"],
            currency=kept["currency"],
            lines=tuple(OrderLine.from_json(one) for one in kept.get("lines", ())),
            left_out=kept.get("left_out", 0),
            taken_back=tuple((amount, currency) for amount, currency in kept.get("taken_back", ())),
            returned=tuple(OrderLine.from_json(one) for one in kept.get("returned", ())),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Purchases:
    """All that a customer bought: the latest orders by their ids, and what is older, added up."""

    orders: Mapping[str, Order] = field(default_factory=dict[str, Order])
    earlier: EarlierOrders = NOTHING_EARLIER

    def counted(self) -> list[Order]:
        """The kept orders that count, in the order of their instants; of one instant, of their ids."""
        found = [(one.at or _NEVER, key, one) for key, one in self.orders.items() if one.counts]
        return [one for _, _, one in sorted(found, key=lambda pair: pair[:2])]

    def days(self, currency: str) -> dict[date, float | None]:
        """The days (UTC) with an order, each with what was bought in a currency (`histories.DaysOfOrders`).

        What was bought on the days of earlier orders is no longer told apart: None.
        """
        found: dict[date, float | None] = {date.fromisoformat(day): None for day in self.earlier.days}
        for one in self.counted():
            day = (one.at or _NEVER).date()
            worth = one.worth if one.currency == currency else None
            known = found.get(day)
            found[day] = round((known or 0.0) + worth, 6) if worth is not None else known
        return found

    def as_json(self) -> dict[str, Any]:
        """As a customer's row keeps it; of whoever bought nothing it is empty."""
        kept: dict[str, Any] = {"orders": {key: one.as_json() for key, one in self.orders.items()}}
        earlier = {"earlier": self.earlier.as_json()} if self.earlier.count else {}
        return kept | earlier if self.orders or earlier else {}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "Purchases":
        """What `as_json` has written; raise KeyError for anything else."""
        return Purchases(
            orders={key: Order.from_json(one) for key, one in kept.get("orders", {}).items()},
            earlier=EarlierOrders.from_json(kept["earlier"]) if "earlier" in kept else NOTHING_EARLIER,
        )


NONE = Purchases()
"""Of whoever bought nothing."""

_NEVER = datetime.min.replace(tzinfo=UTC)


def fold(
    known: Purchases, name: str, at: datetime, properties: Mapping[str, Any], seq: int, most: int = KEPT
) -> Purchases:
    """`known` with one more event, which changes nothing where it is no order event.

    `seq` is its number, which names an order that has no id; `most` orders are kept one by one.
    """
    if name not in orders.ORDER_EVENTS:
        return known
    said = orders.read(name, properties)
    key = key_of(name, said, seq)
    if key is None:
        return known
    after = told(known.orders.get(key, UNTOLD), name, said, at)
    return _bounded(replace(known, orders={**known.orders, key: after}), most)


NO_ID = "#"
"""Before the number of the event, the key of an order that has no id."""

UNTOLD = Order(at=None)
"""An order of which nothing has been told yet."""


def key_of(name: str, said: OrderSaid, seq: int) -> str | None:
    """By what an order is known: its id, else the number of its event; None where nobody can tell."""
    return said.order_id or (f"{NO_ID}{seq}" if name == orders.COMPLETED else None)


def moved_key(key: str, by: int) -> str:
    """The key of an order whose customer's events are numbered on by so many."""
    return f"{NO_ID}{int(key[1:]) + by}" if key.startswith(NO_ID) and key[1:].isdecimal() else key


def told(order: Order, name: str, said: OrderSaid, at: datetime) -> Order:
    """An order with one more event of it; the same order where that says nothing new."""
    return _completed(order, said, at) if name == orders.COMPLETED else _taken_back(order, said, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderEvent:
    """An order event that was appended: whose it is, by what its order is known (None: by nothing), and what it says.

    `known` says that the customer had this order before the event came.
    """

    customer_id: str
    key: str | None
    name: str
    at: datetime
    said: OrderSaid
    known: bool = False

    @staticmethod
    def read(
        customer_id: str,
        seq: int,
        name: str,
        at: datetime,
        properties: Mapping[str, Any],
        before: Purchases = NONE,
    ) -> "OrderEvent":
        """The order event with the number `seq` of a customer who had bought so much `before`."""
        said = orders.read(name, properties)
        key = key_of(name, said, seq)
        order = before.orders.get(key or "", UNTOLD)
        return OrderEvent(customer_id=customer_id, key=key, name=name, at=at, said=said, known=order.at is not None)


def _completed(order: Order, said: OrderSaid, at: datetime) -> Order:
    """An order that is told once more stays as it was told first."""
    if order.at is not None:
        return order
    return replace(
        order, at=at, amount=said.amount, currency=said.currency, lines=said.lines, left_out=said.left_out
    )  # fmt: skip


def _taken_back(order: Order, said: OrderSaid, name: str) -> Order:
    """A cancellation takes back the whole order; a refund its amount and products, and the whole where it has none."""
    amount = said.amount if name == orders.REFUNDED else None
    back = (*order.taken_back, (amount, said.currency))
    returned = (*order.returned, *said.lines) if amount is not None else order.returned
    return replace(order, taken_back=back, returned=returned[: orders.MOST_LINES])


def combined(one: Purchases, other: Purchases, renumbered: int) -> Purchases:
    """What two profiles bought who turned out to be one person; an order that both tell counts once.

    The events of `other` are numbered on by so many.
    """
    found = dict(one.orders)
    for key, order in other.orders.items():
        key = moved_key(key, renumbered)
        found[key] = told_by_both(found[key], order) if key in found else order
    return _bounded(Purchases(orders=found, earlier=one.earlier.plus(other.earlier)), KEPT)


def told_by_both(one: Order, other: Order) -> Order:
    """The order as it was told first, without what either takes back."""
    told = min((one, other), key=lambda order: order.at or datetime.max.replace(tzinfo=UTC))
    return replace(
        told,
        taken_back=(*one.taken_back, *other.taken_back),
        returned=(*one.returned, *other.returned)[: orders.MOST_LINES],
    )


def _bounded(known: Purchases, most: int) -> Purchases:
    """The latest orders; older ones are added up, and what takes back an order that never came is let go."""
    while len(known.orders) > most:
        oldest = min(known.orders, key=lambda key: known.orders[key].at or _NEVER)
        order = known.orders[oldest]
        rest = {key: one for key, one in known.orders.items() if key != oldest}
        known = Purchases(orders=rest, earlier=_added(known.earlier, order) if order.counts else known.earlier)
    return known


def _added(earlier: EarlierOrders, order: Order) -> EarlierOrders:
    return earlier.with_order(order.at or _NEVER, order.worth, order.currency, net_lines(order))


def net_lines(order: Order) -> list[OrderLine]:
    """The lines of an order without what came back of them; a line of which all came back is gone."""
    left = list(order.lines)
    for back in order.returned:
        for place, line in enumerate(left):
            if line.product == back.product:
                left[place] = _less(line, back)
                break
    return [one for one in left if one.quantity > 0]


def _less(line: OrderLine, back: OrderLine) -> OrderLine:
    quantity = max(0.0, line.quantity - back.quantity)
    amount = round(line.amount * quantity / line.quantity, 6) if line.amount is not None and line.quantity else None
    return replace(line, quantity=quantity, amount=amount)


def main_currency(everybody: Iterable[Purchases]) -> str:
    """The currency of most orders that have an amount; of equally many the first by name. UNSTATED without any."""
    found = Counter[str]()
    for one in everybody:
        found.update(one.earlier.priced)
        found.update(order.currency for order in one.counted() if order.worth is not None)
    return min(found, key=lambda currency: (-found[currency], currency), default=orders.UNSTATED)
