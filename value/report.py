"""Both fits over everybody's orders with the report on how well they foretell: what `waypost value` prints."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from value import calibration, fitting, histories
from value.calibration import Calibration
from value.fitting import MoneyFit, OrdersFit
from value.histories import DaysOfOrders
from value.numerics import CannotFit


@dataclass(frozen=True, slots=True, kw_only=True)
class ValueReport:
    """What the orders of everybody up to a day tell. `calibration` is None where too little came before it."""

    customers: int
    repeat_orders: int
    fit: OrdersFit
    money: MoneyFit | None
    calibration: Calibration | None

    def as_json(self) -> dict[str, Any]:
        """As `waypost value --json` prints it; parameters are per week."""
        money = self.money
        return {
            "customers": self.customers,
            "repeat_orders": self.repeat_orders,
            "fit": {**asdict(self.fit.model), "log_likelihood": self.fit.log_likelihood},
            "money": {**asdict(money.model), "customers": money.customers} if money else None,
            "calibration": self.calibration.as_json() if self.calibration else None,
        }


def make(everybody: Sequence[DaysOfOrders], until: date) -> ValueReport:
    """Fit both models to what was ordered up to the end of a day (UTC); raise CannotFit.

    What came behind that day is what the fit is held against. Where nothing did, a second fit learns without the last
    part of the time (`calibration.last_day_learnt`), and is held against that.
    """
    known = histories.buyers(everybody, until)
    fit = fitting.fit_orders(known)
    return ValueReport(
        customers=len(known),
        repeat_orders=sum(one.repeat_orders for one in known),
        fit=fit,
        money=_money(known),
        calibration=_calibration(everybody, until, fit),
    )


def _money(known: Sequence[histories.Buyer]) -> MoneyFit | None:
    """None where too few orders have an amount."""
    try:
        return fitting.fit_money(known)
    except CannotFit:
        return None


def _calibration(everybody: Sequence[DaysOfOrders], until: date, fit: OrdersFit) -> Calibration | None:
    last = max(day for days in everybody for day in days)
    if last > until:
        return calibration.compare(fit.model, everybody, until, last)
    first = min(day for days in everybody for day in days)
    learnt_until = calibration.last_day_learnt(first, until)
    try:
        earlier = fitting.fit_orders(histories.buyers(everybody, learnt_until))
    except CannotFit:
        return None
    return calibration.compare(earlier.model, everybody, learnt_until, until)
