"""How well a fit foretells: learnt from what happened up to a day, and compared with what happened behind it.

Customers are told apart by how many repeat orders they had by then, since a model may be right of all of them together
and wrong of each kind.
"""

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from typing import Any

from value import bgnbd, histories
from value.bgnbd import BgNbd
from value.histories import DaysOfOrders

KINDS = 8
"""Customers with 0 to 6 repeat orders, and those with 7 and more: as published figures have them."""

HELD_OUT = timedelta(days=90)
"""Of one's own orders, for the report: what is foretold most, or a third of the time that there is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Foretold:
    """Orders that were expected and that came, of so many customers with so many repeat orders (the last: or more)."""

    repeat_orders: int
    customers: int
    expected: float
    came: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """What was expected behind the day `learnt_until`, up to `until`, and what came; days are UTC.

    `error` is the part by which the expectation of all was off: 0.05 means 5% too many. None where no order came.
    """

    learnt_until: date
    until: date
    customers: int
    expected: float
    came: int
    error: float | None
    kinds: Sequence[Foretold]

    def as_json(self) -> dict[str, Any]:
        """The report, days in ISO 8601."""
        days = {"learnt_until": self.learnt_until.isoformat(), "until": self.until.isoformat()}
        return {**asdict(self), **days, "kinds": [asdict(one) for one in self.kinds]}


def compare(model: BgNbd, everybody: Iterable[DaysOfOrders], learnt_until: date, until: date) -> Calibration:
    """What a model that was learnt from the time up to a day says of the time behind it, and what that brought."""
    ahead = histories.weeks(learnt_until, until)
    customers, expected, came = [0] * KINDS, [0.0] * KINDS, [0] * KINDS
    for days in everybody:
        who = histories.buyer(days, learnt_until)
        if who is None:
            continue
        kind = min(who.repeat_orders, KINDS - 1)
        customers[kind] += 1
        expected[kind] += bgnbd.expected_orders(model, who, ahead)
        came[kind] += sum(learnt_until < day <= until for day in days)
    total, all_came = sum(expected), sum(came)
    return Calibration(
        learnt_until=learnt_until,
        until=until,
        customers=sum(customers),
        expected=round(total, 2),
        came=all_came,
        error=round(total / all_came - 1, 4) if all_came else None,
        kinds=[
            Foretold(repeat_orders=kind, customers=customers[kind], expected=round(expected[kind], 2), came=came[kind])
            for kind in range(KINDS)
        ],
    )


def last_day_learnt(first: date, until: date) -> date:
    """Up to which day a fit learns where HELD_OUT, or a third of the time from the first order on, is held out."""
    return until - min(HELD_OUT, (until - first) / 3)
