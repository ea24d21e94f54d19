"""What a guard, a template or a report sees of a customer's orders: `customer.value` and `customer.bought`.

Everything is worked out at the instant at which it is asked, and only what is asked for: from what the customer bought
(`purchases`) and from what the last fit found (`value_model`). Without a fit what it would tell is None.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache, cached_property
from math import fsum
from typing import Any

from value import bgnbd, gamma_gamma, rfm
from value.earlier_orders import Bought, added, categories_of, products_of, together
from value.histories import Buyer
from value.purchases import Order, Purchases, main_currency, net_lines
from value.value_model import ValueModel

WEEK = timedelta(days=7)

KeptPurchases = Purchases | Mapping[str, Any]
"""What a customer bought, or the same as their row keeps it: that is read only where somebody asks."""


class Summary:
    """What one customer's orders come to, as of an instant (UTC)."""

    def __init__(self, kept: KeptPurchases, model: ValueModel, now: datetime) -> None:
        self._kept, self.model, self.now = kept, model, now

    @cached_property
    def purchases(self) -> Purchases:
        """All orders."""
        return self._kept if isinstance(self._kept, Purchases) else Purchases.from_json(self._kept)

    @cached_property
    def counted(self) -> list[Order]:
        """The kept orders that count, the oldest first."""
        return self.purchases.counted()

    @cached_property
    def currency(self) -> str:
        """The currency of most of the customer's orders."""
        return main_currency([self.purchases])

    @cached_property
    def sums(self) -> Mapping[str, float]:
        """What all orders come to, by currency."""
        found = dict(self.purchases.earlier.sums)
        for one in self.counted:
            if one.worth is not None:
                found = added(found, {one.currency: one.worth})
        return found

    @cached_property
    def count(self) -> int:
        """How many orders there are."""
        return self.purchases.earlier.count + len(self.counted)

    @cached_property
    def monetary(self) -> float | None:
        """What the orders in the main currency come to; None where no order has an amount, zero without an order."""
        return self.sums.get(self.currency, None if self.count else 0.0)

    @cached_property
    def average(self) -> float | None:
        """What an order in the main currency with an amount was worth."""
        priced = self.purchases.earlier.priced.get(self.currency, 0)
        priced += sum(one.worth is not None and one.currency == self.currency for one in self.counted)
        return round((self.monetary or 0.0) / priced, 6) if priced else None

    @cached_property
    def first_at(self) -> datetime | None:
        """When the first order was."""
        found = [self.purchases.earlier.first_at, *(one.at for one in self.counted)]
        return min((at for at in found if at is not None), default=None)

    @cached_property
    def last_at(self) -> datetime | None:
        """When the last order was."""
        found = [self.purchases.earlier.last_at, *(one.at for one in self.counted)]
        return max((at for at in found if at is not None), default=None)

    @cached_property
    def days(self) -> int:
        """On how many days (UTC) there was an order."""
        return len(self.purchases.days(self.currency))

    @cached_property
    def gap(self) -> timedelta | None:
        """The mean time between two days with an order; None before the second."""
        if self.first_at is None or self.last_at is None or self.days < 2:
            return None
        return (self.last_at - self.first_at) / (self.days - 1)

    @cached_property
    def scores(self) -> rfm.Scores | None:
        """The customer's fifths; None without an order, or before there are borders."""
        borders = self.model.borders
        if borders is None or self.last_at is None:
            return None
        return rfm.Scores(
            recency=rfm.score(self.last_at.timestamp(), borders.recency),
            frequency=rfm.score(self.count, borders.frequency),
            monetary=rfm.score(self.sums.get(self.model.currency, 0.0), borders.monetary),
        )

    @cached_property
    def buyer(self) -> Buyer | None:
        """The customer as the models see them; None without an order."""
        if self.first_at is None or self.last_at is None:
            return None
        first, last = self.first_at.date(), self.last_at.date()
        repeats = [one for one in self.counted if one.at and one.at.date() != first]
        worths = [one.worth for one in repeats if one.worth is not None and one.currency == self.model.currency]
        mean = fsum(worths) / len(worths) if worths else None
        return Buyer(
            repeat_orders=self.days - 1,
            last=(last - first) / WEEK,
            age=max(0.0, (self.now.date() - first) / WEEK),
            mean=mean if mean else None,
        )

    def expected_orders(self, days: int) -> float | None:
        """How many orders the fit expects within so many days."""
        if self.model.orders is None or self.buyer is None:
            return None
        return round(bgnbd.expected_orders(self.model.orders, self.buyer, days / 7), 4)

    def expected_value(self, days: int) -> float | None:
        """What these orders are expected to be worth, in the installation's main currency."""
        expected = self.expected_orders(days)
        if expected is None or self.model.money is None or self.buyer is None:
            return None
        worth = gamma_gamma.expected_value(self.model.money, self.buyer)
        return round(expected * worth, 2) if worth is not None else None

    def alive(self) -> float | None:
        """The chance that they are still a customer."""
        if self.model.orders is None or self.buyer is None:
            return None
        return round(bgnbd.alive(self.model.orders, self.buyer), 4)

    def last_order(self) -> Mapping[str, Any] | None:
        """The last order with what was in it."""
        if not self.counted:
            return None
        last = self.counted[-1]
        lines = net_lines(last)
        return {
            "at": last.at,
            "amount": last.worth,
            "currency": last.currency,
            "products": [one.name or one.product for one in lines],
            "categories": sorted({one.category for one in lines if one.category}),
        }

    def bought(self) -> dict[str, Bought]:
        """What was bought: by category, and by product (its id, else its name); of one name the category stands."""
        earlier = self.purchases.earlier
        products, categories = dict(earlier.products), dict(earlier.categories)
        for one in self.counted:
            at, lines = one.at or self.now, net_lines(one)
            products = together(products, products_of(at, one.currency, lines))
            categories = together(categories, categories_of(at, one.currency, lines))
        names = {one.name: one for one in products.values() if one.name}
        return {**names, **products, **categories}


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueName:
    """What one name gives: its kind (of `journeys.facts.guard_types`), and whether time alone changes it."""

    kind: str
    of: Callable[[Summary], Any]
    by_time: bool = False


NAMES: Mapping[str, ValueName] = {
    "orders": ValueName(kind="number", of=lambda one: one.count),
    "monetary": ValueName(kind="number", of=lambda one: one.monetary),
    "currency": ValueName(kind="text", of=lambda one: one.currency if one.count else None),
    "sums": ValueName(kind="map", of=lambda one: dict(one.sums)),
    "average": ValueName(kind="number", of=lambda one: one.average),
    "first_at": ValueName(kind="instant", of=lambda one: one.first_at),
    "last_at": ValueName(kind="instant", of=lambda one: one.last_at),
    "gap": ValueName(kind="span", of=lambda one: one.gap),
    "next_at": ValueName(kind="instant", of=lambda one: one.last_at + one.gap if one.last_at and one.gap else None),
    "last_order": ValueName(kind="map", of=lambda one: one.last_order()),
    "rfm": ValueName(kind="text", of=lambda one: one.scores.text if one.scores else None, by_time=True),
    "class": ValueName(kind="text", of=lambda one: rfm.class_of(one.scores) if one.scores else None, by_time=True),
    "alive": ValueName(kind="number", of=lambda one: one.alive(), by_time=True),
    "orders_90": ValueName(kind="number", of=lambda one: one.expected_orders(90), by_time=True),
    "orders_365": ValueName(kind="number", of=lambda one: one.expected_orders(365), by_time=True),
    "value_90": ValueName(kind="number", of=lambda one: one.expected_value(90), by_time=True),
    "value_365": ValueName(kind="number", of=lambda one: one.expected_value(365), by_time=True),
}
"""Everything that stands below `customer.value`."""


class CustomerValue(Mapping[str, Any]):
    """`customer.value`: each of NAMES, worked out when it is asked for."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    def __getitem__(self, name: str) -> Any:
        """What the name gives; raise KeyError for one that is none of NAMES."""
        return NAMES[name].of(self._summary)

    def __iter__(self) -> Iterator[str]:
        """The names."""
        return iter(NAMES)

    def __len__(self) -> int:
        """How many there are."""
        return len(NAMES)


class CustomerBought(Mapping[str, Any]):
    """`customer.bought`: per category and product how often, how many units, for how much, and when last."""

    def __init__(self, summary: Summary) -> None:
        self._summary = summary

    @cached_property
    def _all(self) -> Mapping[str, Bought]:
        return self._summary.bought()

    def __getitem__(self, name: str) -> Mapping[str, Any]:
        """What was bought of it; raise KeyError where nothing was."""
        one = self._all[name]
        total = one.sums.get(self._summary.currency)
        return {
            "count": one.count, "quantity": one.quantity, "sum": total, "sums": dict(one.sums), "last_at": one.last_at,
        }  # fmt: skip

    def __iter__(self) -> Iterator[str]:
        """The categories and products."""
        return iter(self._all)

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)


def seen(kept: KeptPurchases, model: ValueModel, now: datetime) -> dict[str, Mapping[str, Any]]:
    """`value` and `bought` of a customer, of whom this is kept; nothing is worked out before it is asked for."""
    summary = Summary(kept, model, now)
    return {"value": CustomerValue(summary), "bought": CustomerBought(summary)}


def told(kept: KeptPurchases, model: ValueModel, now: datetime) -> dict[str, Any]:
    """The same as JSON, for templates and the API: instants in ISO 8601, a gap in days."""
    if isinstance(kept, Mapping) and not kept:
        return {name: {**one} for name, one in _told_of_nobody().items()}
    return _told(kept, model, now)


@cache
def _told_of_nobody() -> dict[str, Any]:
    """Of somebody who bought nothing: no model has anything to say of them, now or later. A broadcast asks of many."""
    return _told({}, ValueModel(), datetime.fromtimestamp(0, UTC))


def _told(kept: KeptPurchases, model: ValueModel, now: datetime) -> dict[str, Any]:
    return {name: as_json(one) for name, one in seen(kept, model, now).items()}


def as_json(value: Any) -> Any:
    """What a guard sees as JSON: instants in ISO 8601, a span in days."""
    match value:
        case datetime():
            return value.isoformat()
        case timedelta():
            return round(value / timedelta(days=1), 2)
        case Mapping():
            return {name: as_json(one) for name, one in value.items()}
        case _:
            return value
