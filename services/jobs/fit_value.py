"""The nightly fit: everybody's purchases read page by page, divided into fifths, and both models learnt from them."""

from array import array
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from math import ceil
from typing import Any
from zlib import crc32

from services.attribution import checking
from services.installation import value_fit
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store.queries.identity import customers
from store.session import Database
from store.tables.access import Operation
from value import purchases, report, rfm
from value.customer_value import Summary
from value.histories import DaysOfOrders
from value.numerics import CannotFit
from value.purchases import Purchases
from value.rfm import Borders
from value.value_model import NO_FIT, ValueModel

PAGE = 500
"""Customers that are read by one transaction."""

MOST_LEARNT_FROM = 100_000
"""Buyers that the models learn from, chosen by their ids: more change no digit that anybody reads, and take minutes."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Read everybody twice (which currency, then what in it), fit, and keep what was found."""
    now = clock()
    yield lambda session: _checked(session, now)
    with database.reading() as session:
        total = customers.count(session)
    yield _told(-operation.done, 2 * total)  # what was worked out before a crash is lost
    currencies = Counter[str]()
    for page in _purchases(database):
        currencies.update(purchases.main_currency([one]) for one in page.values())
        yield _told(len(page), 2 * total)
    currency = min(currencies, key=lambda one: (-currencies[one], one), default=NO_FIT.currency)
    everybody = Everybody(currency, ceil(total / MOST_LEARNT_FROM) or 1, now)
    for page in _purchases(database):
        everybody.add(page)
        yield _told(len(page), 2 * total)
    found = everybody.fitted(now.date())
    yield lambda session: _kept(session, found, now)


def _checked(session: Any, now: datetime) -> Done:
    """What mails are credited with is counted anew in the same night."""
    checking.check(session, now)
    return Done(count=0, note="revenue checked")


def _kept(session: Any, found: Mapping[str, Any], now: datetime) -> Done:
    value_fit.keep(session, {**found, "fitted_at": now.isoformat()}, now)
    return Done(count=0, result={name: found[name] for name in ("report", "refusal")})


class Everybody:
    """What is remembered of all buyers: numbers for the fifths, and the days of those whom the models learn from."""

    def __init__(self, currency: str, one_of: int, now: datetime) -> None:
        self._currency, self._one_of, self._now = currency, one_of, now
        self._recency, self._frequency, self._monetary = array("d"), array("d"), array("d")
        self._days: list[DaysOfOrders] = []

    def add(self, page: Mapping[str, Purchases]) -> None:
        """Take some customers in, by their ids."""
        for customer_id, bought in page.items():
            summary = Summary(bought, NO_FIT, self._now)
            if summary.last_at is None:
                continue
            self._recency.append(summary.last_at.timestamp())
            self._frequency.append(summary.count)
            self._monetary.append(summary.sums.get(self._currency, 0.0))
            if crc32(customer_id.encode()) % self._one_of == 0:
                self._days.append(bought.days(self._currency))

    def fitted(self, until: date) -> dict[str, Any]:
        """The model and its report as they are kept; without enough to learn from, the fifths and why."""
        between = Borders(
            recency=rfm.borders(self._recency),
            frequency=rfm.borders(self._frequency),
            monetary=rfm.borders(self._monetary),
        )
        grid = rfm.grid(self._recency, self._frequency, between)
        try:
            made = report.make(self._days, until)
        except CannotFit as refused:
            model = ValueModel(currency=self._currency, borders=between if self._recency else None)
            return {"model": model.as_json(), "report": None, "grid": grid, "refusal": str(refused)}
        money = made.money.model if made.money else None
        model = ValueModel(currency=self._currency, borders=between, orders=made.fit.model, money=money)
        return {"model": model.as_json(), "report": made.as_json(), "grid": grid, "refusal": None}


def _purchases(database: Database) -> Iterator[dict[str, Purchases]]:
    """What customers bought, by their ids, a page and a transaction at a time."""
    last = ""
    while True:
        with database.reading() as session:
            page = customers.purchases_page(session, last, PAGE)
        if not page:
            return
        last = page[-1][0]
        yield {customer_id: Purchases.from_json(kept) for customer_id, kept in page}


def _told(count: int, total: int) -> PageOfWork:
    return lambda session: Done(count=count, total=total)
