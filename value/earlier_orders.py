"""Orders that are no longer kept one by one, added up: how many, when, for how much, and what was in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from value.orders import OrderLine

MOST_PRODUCTS, MOST_CATEGORIES = 100, 50
"""Of a customer's earlier orders, those bought last."""

MOST_DAYS = 400
"""Days with earlier orders that are kept, the latest: whoever orders every week fills them in eight years."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bought:
    """A product, or a category, over all orders: in how many, how many units, for how much by currency, when last.

    An order whose line has no readable price adds to everything but the sums.
    """

    count: int
    quantity: float
    sums: Mapping[str, float]
    last_at: datetime
    name: str | None = None

    def as_json(self) -> list[Any]:
        """As a customer's row keeps it."""
        return [self.count, self.quantity, dict(self.sums), self.last_at.isoformat(), self.name]

    @staticmethod
    def from_json(kept: Sequence[Any]) -> "Bought":
        """What `as_json` has written."""
        count, quantity, sums, last, name = kept
        return Bought(count=count, quantity=quantity, sums=sums, last_at=datetime.fromisoformat(last), name=name)

    def plus(self, other: "Bought") -> "Bought":
        """Both together."""
        return Bought(
            count=self.count + other.count,
            quantity=round(self.quantity + other.quantity, 6),
            sums=added(self.sums, other.sums),
            last_at=max(self.last_at, other.last_at),
            name=(other if other.last_at > self.last_at else self).name or self.name or other.name,
        )


BoughtByKey = Mapping[str, Bought]
"""What was bought, by the id of the product or the name of the category."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EarlierOrders:
    """Orders added up: `days` are UTC days (ISO 8601), `priced` counts by currency the orders that have an amount."""

    count: int = 0
    days: Sequence[str] = ()
    first_at: datetime | None = None
    last_at: datetime | None = None
    priced: Mapping[str, int] = field(default_factory=dict[str, int])
    sums: Mapping[str, float] = field(default_factory=dict[str, float])
    products: BoughtByKey = field(default_factory=dict[str, Bought])
    categories: BoughtByKey = field(default_factory=dict[str, Bought])

    def with_order(
        self, at: datetime, worth: float | None, currency: str, lines: Sequence[OrderLine]
    ) -> "EarlierOrders":
        """One more order, later than those before it."""
        priced = {currency: 1} if worth is not None else {}
        return replace(
            self,
            count=self.count + 1,
            days=_sorted_days(self.days, [at.date().isoformat()]),
            first_at=min(self.first_at or at, at),
            last_at=max(self.last_at or at, at),
            priced=added(self.priced, priced),
            sums=added(self.sums, {currency: worth} if worth is not None else {}),
            products=_latest(together(self.products, products_of(at, currency, lines)), MOST_PRODUCTS),
            categories=_latest(together(self.categories, categories_of(at, currency, lines)), MOST_CATEGORIES),
        )

    def plus(self, other: "EarlierOrders") -> "EarlierOrders":
        """Both together."""
        firsts = [one for one in (self.first_at, other.first_at) if one is not None]
        lasts = [one for one in (self.last_at, other.last_at) if one is not None]
        return EarlierOrders(
            count=self.count + other.count,
            days=_sorted_days(self.days, other.days),
            first_at=min(firsts, default=None),
            last_at=max(lasts, default=None),
            priced=added(self.priced, other.priced),
            sums=added(self.sums, other.sums),
            products=_latest(together(self.products, other.products), MOST_PRODUCTS),
            categories=_latest(together(self.categories, other.categories), MOST_CATEGORIES),
        )

    def as_json(self) -> dict[str, Any]:
        """As a customer's row keeps it."""
        return {
            "count": self.count,
            "days": list(self.days),
            "first_at": self.first_at.isoformat() if self.first_at else None,
            "last_at": self.last_at.isoformat() if self.last_at else None,
            "priced": dict(self.priced),
            "sums": dict(self.sums),
            "products": {key: one.as_json() for key, one in self.products.items()},
            "categories": {key: one.as_json() for key, one in self.categories.items()},
        }

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "EarlierOrders":
        """What `as_json` has written; raise KeyError for anything else."""
        return EarlierOrders(
            count=kept["count"],
            days=tuple(kept["days"]),
            first_at=datetime.fromisoformat(kept["first_at"]) if kept["first_at"] else None,
            last_at=datetime.fromisoformat(kept["last_at"]) if kept["last_at"] else None,
            priced=kept["priced"],
            sums=kept["sums"],
            products={key: Bought.from_json(one) for key, one in kept["products"].items()},
            categories={key: Bought.from_json(one) for key, one in kept["categories"].items()},
        )


NOTHING_EARLIER = EarlierOrders()
"""Of whoever has no more orders than are kept."""


def products_of(at: datetime, currency: str, lines: Sequence[OrderLine]) -> dict[str, Bought]:
    """What one order holds, by product; two lines of one product are one order of it."""
    return _of_lines(at, currency, [(line.product, line.name, line) for line in lines])


def categories_of(at: datetime, currency: str, lines: Sequence[OrderLine]) -> dict[str, Bought]:
    """What one order holds, by category; a line without one is in none."""
    return _of_lines(at, currency, [(line.category, None, line) for line in lines if line.category])


def _of_lines(at: datetime, currency: str, keyed: Sequence[tuple[str, str | None, OrderLine]]) -> dict[str, Bought]:
    found: dict[str, Bought] = {}
    for key, name, line in keyed:
        sums = {currency: line.amount} if line.amount is not None else {}
        one = Bought(count=1, quantity=line.quantity, sums=sums, last_at=at, name=name)
        found[key] = replace(found[key].plus(one), count=1) if key in found else one
    return found


def together(one: BoughtByKey, other: BoughtByKey) -> dict[str, Bought]:
    """Both, by key."""
    found = dict(one)
    for key, bought in other.items():
        found[key] = found[key].plus(bought) if key in found else bought
    return found


def _sorted_days(one: Sequence[str], other: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted({*one, *other})[-MOST_DAYS:])


def _latest(found: Mapping[str, Bought], most: int) -> Mapping[str, Bought]:
    if len(found) <= most:
        return found
    kept = sorted(found, key=lambda key: found[key].last_at, reverse=True)[:most]
    return {key: found[key] for key in kept}


def added(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """Numbers by name, added up to a millionth."""
    found = dict(one)
    for name, number in other.items():
        found[name] = round(found.get(name, 0) + number, 6)
    return found
