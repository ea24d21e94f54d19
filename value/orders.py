"""What an order event says: which order, what for, how much, in which currency; and what of it nobody can read.

Names and shapes are those of Segment's e-commerce events. An amount below zero is no order's worth, and counts as not
understood; of a refund the sign means nothing, since shops send both. Nothing here becomes zero that was not.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from readers import numbers

COMPLETED, REFUNDED, CANCELLED = ORDER_EVENTS = ("Order Completed", "Order Refunded", "Order Cancelled")
"""What makes an order, takes back money or products of it, and takes it back whole."""

AMOUNTS = ("revenue", "total", "value")
"""Properties that an event's amount is read from, the first that is a number: the names of Segment's own events."""

MOST_LINES = 20
"""Of one order: what more it lists is counted, and not kept."""

LONGEST = 100
"""Characters that are kept of an id or a name."""

MISSING = "(missing)"
"""What is told of a value that had to be there, and was not."""

UNSTATED = "unstated"
"""The currency of an amount whose event names none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderLine:
    """One product of an order: how many units, and what they cost together; None where that cannot be read."""

    product: str
    name: str | None
    category: str | None
    quantity: float
    amount: float | None

    def as_json(self) -> list[Any]:
        """As a customer's row keeps it."""
        return [self.product, self.name, self.category, self.quantity, self.amount]

    @staticmethod
    def from_json(kept: Sequence[Any]) -> "OrderLine":
        """What `as_json` has written."""
        product, name, category, quantity, amount = kept
        return OrderLine(product=product, name=name, category=category, quantity=quantity, amount=amount)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSaid:
    """One order event as it was read; `order_id` is None where it names none, and `amount` where it has none."""

    order_id: str | None
    amount: float | None
    currency: str
    lines: Sequence[OrderLine]
    left_out: int


def read(name: str, properties: Mapping[str, Any]) -> OrderSaid:
    """What an order event of this name (of ORDER_EVENTS) says."""
    lines = [line for line in map(_line, _products(properties)) if line is not None]
    return OrderSaid(
        order_id=_text(properties.get("order_id")),
        amount=_amount(name, properties),
        currency=currency_in(properties) or UNSTATED,
        lines=tuple(lines[:MOST_LINES]),
        left_out=max(0, len(lines) - MOST_LINES),
    )


def amount_in(properties: Mapping[str, Any]) -> float | None:
    """The first number among AMOUNTS, a text that writes one included; None where there is none."""
    for name in AMOUNTS:
        if name in properties:
            number = numbers.read(properties[name])
            if number is not None:
                return float(number)
    return None


def currency_in(properties: Mapping[str, Any]) -> str | None:
    """The currency that an event names, three letters (ISO 4217), large; None where it names none."""
    value = properties.get("currency")
    text = value.strip().upper() if isinstance(value, str) else ""
    return text if len(text) == 3 and text.isascii() and text.isalpha() else None


def unreadable(name: str, properties: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The values of an order event that are not understood, beside its amounts that are no numbers, by their path."""
    amount = amount_in(properties)
    if name == COMPLETED and amount is not None and amount < 0:
        yield "amount", amount
    if name == COMPLETED and not any(_is_given(properties.get(one)) for one in AMOUNTS):
        yield "amount", MISSING
    order_id = properties.get("order_id")
    if _text(order_id) is None and (_is_given(order_id) or name != COMPLETED):
        yield "order_id", order_id if _is_given(order_id) else MISSING
    if _is_given(properties.get("currency")) and currency_in(properties) is None:
        yield "currency", properties["currency"]
    given = properties.get("products")
    if _is_given(given) and not isinstance(given, list):
        yield "products", given
    for product in _products(properties):
        yield from _unreadable_line(product)


def _unreadable_line(product: Any) -> Iterator[tuple[str, Any]]:
    if _line(product) is None:
        yield "products", product
        return
    for field in ("price", "quantity"):
        value = product.get(field)
        if _is_given(value) and _count(value) is None:
            yield f"products.{field}", value


def _amount(name: str, properties: Mapping[str, Any]) -> float | None:
    amount = amount_in(properties)
    if amount is None or name != COMPLETED:
        return abs(amount) if amount is not None else None
    return amount if amount >= 0 else None


def _products(properties: Mapping[str, Any]) -> Sequence[Any]:
    given = properties.get("products")
    return cast(Sequence[Any], given) if isinstance(given, list) else ()


def _line(product: Any) -> OrderLine | None:
    """One product; None where it is no object, or nothing says which one it is."""
    if not isinstance(product, Mapping):
        return None
    said = cast(Mapping[str, Any], product)
    name = _text(said.get("name"))
    known = next(filter(None, (_text(said.get(one)) for one in ("product_id", "sku"))), name)
    if known is None:
        return None
    price, quantity = _count(said.get("price")), _count(said.get("quantity", 1))
    return OrderLine(
        product=known,
        name=name,
        category=_text(said.get("category")),
        quantity=quantity if quantity is not None else 1,
        amount=round(price * quantity, 6) if price is not None and quantity is not None else None,
    )


def _count(value: Any) -> float | None:
    """A number that is not below zero and no larger than anybody sells for; None where it is none."""
    number = numbers.read(value)
    return number if number is not None and 0 <= number <= 10**15 else None


def _text(value: Any) -> str | None:
    """An id or a name: a text that is not empty, or a whole number, shortened; None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return value.strip()[:LONGEST] or None if isinstance(value, str) else None


def _is_given(value: Any) -> bool:
    """Whether there is something to read: null and blanks are nothing."""
    return value is not None and not (isinstance(value, str) and not value.strip())
