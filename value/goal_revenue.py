"""What the events of a goal were worth to one customer: each order by its key, everything else by day and currency.

An order counts once however often it is told, on the day on which it came, with what it is worth by now. Amounts
are whole numbers of the smallest unit of their currency; those of different currencies are never summed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from value.exchange import DayOfCurrency

_ORDERS, _OTHER = "orders", "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class GoalRevenue:
    """Orders by their keys, and the sum of what was no order with an id, by currency and day."""

    orders: Mapping[str, tuple[DayOfCurrency, int]] = field(default_factory=dict[str, tuple[DayOfCurrency, int]])
    other: Mapping[DayOfCurrency, int] = field(default_factory=dict[DayOfCurrency, int])

    def with_order(self, key: str, of: DayOfCurrency, units: int) -> "GoalRevenue":
        """With an order, or with what that is worth now."""
        return replace(self, orders={**self.orders, key: (of, units)})

    def with_amount(self, of: DayOfCurrency, units: int) -> "GoalRevenue":
        """With an amount of an event that is no order, or one without an id."""
        return replace(self, other={**self.other, of: self.other.get(of, 0) + units})

    def of_nobody(self) -> "GoalRevenue":
        """The same sums by currency and day, without the orders of which they are made."""
        return GoalRevenue(other={of: units for of, units in by_day(self.as_json()).items() if units})

    def as_json(self) -> dict[str, Any]:
        """As a row keeps it; of nothing it is empty."""
        orders = {key: [day, currency, units] for key, ((currency, day), units) in self.orders.items()}
        other: dict[str, dict[str, int]] = {}
        for (currency, day), units in self.other.items():
            other.setdefault(day, {})[currency] = units
        return {name: kept for name, kept in ((_ORDERS, orders), (_OTHER, other)) if kept}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "GoalRevenue":
        """What `as_json` has written."""
        return GoalRevenue(
            orders={key: ((currency, day), units) for key, (day, currency, units) in kept.get(_ORDERS, {}).items()},
            other={
                (currency, day): units
                for day, amounts in kept.get(_OTHER, {}).items()
                for currency, units in amounts.items()
            },
        )


def by_day(kept: Mapping[str, Any]) -> dict[DayOfCurrency, int]:
    """What a row keeps is worth, by currency and day; of very many rows, so without an object for each."""
    found: dict[DayOfCurrency, int] = {}
    for day, currency, units in kept.get(_ORDERS, {}).values():
        found[currency, day] = found.get((currency, day), 0) + units
    for day, amounts in kept.get(_OTHER, {}).items():
        for currency, units in amounts.items():
            found[currency, day] = found.get((currency, day), 0) + units
    return found
