"""A customer's orders as the models see them: days on which somebody bought, counted and measured in weeks.

Orders of one UTC day are one. The first of them makes a customer; what comes behind it is a repeat order. Published
figures (Fader, Hardie and Lee 2005) count so, and so do we.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from math import fsum

DaysOfOrders = Mapping[date, float | None]
"""What a customer bought by UTC day, in one currency; None where no order of the day had an amount in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Buyer:
    """A customer up to a day: their repeat orders, the last one's week after the first, and their age in weeks.

    `mean` is what a repeat order was worth on average; None where there is none, or none with an amount above zero.
    """

    repeat_orders: int
    last: float
    age: float
    mean: float | None = None


def buyer(days: DaysOfOrders, until: date) -> Buyer | None:
    """The customer as of the end of a day (UTC); None where they had not bought by then."""
    bought = sorted(day for day in days if day <= until)
    if not bought:
        return None
    first, *repeats = bought
    priced = [value for value in (days[day] for day in repeats) if value is not None]
    mean = fsum(priced) / len(priced) if priced else None
    return Buyer(
        repeat_orders=len(repeats),
        last=weeks(first, bought[-1]),
        age=weeks(first, until),
        mean=mean if mean is not None and mean > 0 else None,
    )


def buyers(everybody: Sequence[DaysOfOrders], until: date) -> list[Buyer]:
    """Everybody who had bought by the end of a day."""
    return [one for one in (buyer(days, until) for days in everybody) if one is not None]


def weeks(begin: date, end: date) -> float:
    """The time between two days in weeks."""
    return (end - begin).days / 7
