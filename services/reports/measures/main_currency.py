"""What mails brought, in the main currency of the settings: by the rate of each day, or not at all and why.

An amount of a mail is of the day on which the mail was accepted, as it is counted there; one of an order is of the
order's own day.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Any

from sqlmodel import Session

from services.installation import installation_settings
from store.queries.figures import currency_rates, mail_results
from store.queries.figures.mail_results import CREDITED, NO_KIND, ORDERED, REVENUE
from value import attribution, exchange, money
from value.exchange import DayOfCurrency

AmountsByDay = defaultdict[str, dict[DayOfCurrency, int]]
"""What is counted, by what it is (a model, `ordered`, `credited`): smallest units by currency and day."""


@dataclass(slots=True, kw_only=True)
class MainCurrency:
    """The amounts of a report by day, and the rates for them."""

    currency: str
    lines: Mapping[tuple[str, ...], AmountsByDay]
    orders: AmountsByDay
    rates: Mapping[DayOfCurrency, Decimal] = field(default_factory=dict[DayOfCurrency, Decimal])

    def revenue(self, line: tuple[str, ...]) -> dict[str, float] | None:
        """What a line's mails are credited with by each model; None where a rate is missing."""
        return self._in_main(self.lines.get(line, AmountsByDay(dict)), attribution.MODELS)

    def all_orders(self) -> dict[str, float] | None:
        """What the orders are worth, and how much of it mails are credited with; None where a rate is missing."""
        found = self._in_main(self.orders, (ORDERED, CREDITED))
        return {"amount": found[ORDERED], "credited": found[CREDITED]} if found is not None else None

    def told(self) -> dict[str, Any]:
        """Which currency it is, which rates are missing, and a sentence."""
        missing = self._missing()
        names = ("currency", "days", "first", "last")
        return {
            "currency": self.currency,
            "missing": [dict(zip(names, one, strict=True)) for one in exchange.told(missing)],
            "told": exchange.without_sum(self.currency, missing) if missing else self._sentence(),
        }

    def _in_main(self, amounts: AmountsByDay, wanted: Iterable[str]) -> dict[str, float] | None:
        found = {what: exchange.in_main(amounts[what], self.rates, self.currency) for what in wanted}
        known = {what: float(amount) for what, amount in found.items() if amount is not None}
        return known if len(known) == len(found) else None

    def _missing(self) -> set[DayOfCurrency]:
        every = [by_day for amounts in (*self.lines.values(), self.orders) for by_day in amounts.values()]
        return {one for by_day in every for one in exchange.without_rate(by_day, self.rates, self.currency)}

    def _sentence(self) -> str:
        brought = self.all_orders() or {"amount": 0.0, "credited": 0.0}
        amount, credited = (money.figure(brought[name], self.currency) for name in ("amount", "credited"))
        worth = f"the orders are {amount}, mails are credited with {credited}"
        return f"In {self.currency}, by the rate of each day: {worth}."


def of_mails(
    session: Session,
    by: tuple[str, ...],
    since: date | None,
    until: date | None,
    journey: str | None,
    broadcast: str | None,
) -> MainCurrency | None:
    """The amounts of mails that are put together `by` some of their names; None where no main currency is set."""
    main = installation_settings.load(session).main_currency
    if main is None:
        return None
    lines, orders = defaultdict[tuple[str, ...], AmountsByDay](lambda: AmountsByDay(dict)), AmountsByDay(dict)
    for kind, day, what, currency, units in mail_results.money_by_day(session, since, until, journey, broadcast):
        if kind == NO_KIND:
            _add(orders[what], currency, day, units)
        elif what.startswith(REVENUE):
            _add(lines[tuple(getattr(kind, name) for name in by)][what.removeprefix(REVENUE)], currency, day, units)
    every = {one for amounts in (*lines.values(), orders) for by_day in amounts.values() for one in by_day}
    rates = currency_rates.known(session, main, {one for one in every if one[0] != main})
    return MainCurrency(currency=main, lines=lines, orders=orders, rates=rates)


def _add(amounts: dict[DayOfCurrency, int], currency: str, day: str, units: int) -> None:
    amounts[currency, day] = amounts.get((currency, day), 0) + units
