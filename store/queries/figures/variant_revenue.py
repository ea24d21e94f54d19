"""What the variants of splits brought, in sums that are kept: no report reads whoever converted.

Three things are kept of a variant: what came on each day (so that the day's rate applies), how many have paid so much
(in buckets of a histogram, each a fifth wider than the one before it, with the sum of what is in it), and how many have
paid at all. A transaction collects what it changes and writes it at its end, in the order of the keys.
"""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from sqlmodel import Session, func, select

from store import bulk, dialect
from store.log_buckets import bucket_of
from store.session import collection_of
from store.tables.splits import RevenueSum

DAY, PAID, PAYING = "day", "paid", "paying"
"""What is kept: amounts by currency and day, customers and their sums by currency and bucket, customers who paid."""

SHARDS = 8
"""So many transactions can write one sum at once, where the database has more than one writer."""

ByDay = Mapping[tuple[str, str], int]
"""Amounts in the smallest units of their currency, by currency and day (`2026-03-02`)."""

Arm = tuple[str, str]
"""A split and one of its variants."""

_KEYS = ("journey", "what", "split", "variant", "currency", "part", "shard")


class RevenueTally:
    """What a transaction changes about what variants brought."""

    def __init__(self) -> None:
        self._customers: Counter[tuple[str, ...]] = Counter()
        self._units: Counter[tuple[str, ...]] = Counter()

    def change(self, journey: str, arm: Arm, before: ByDay, after: ByDay) -> None:
        """What a customer with a variant brought is something else now than it was."""
        for by_day, sign in ((before, -1), (after, 1)):
            for (what, *of), customers, units in sums(by_day):
                key = (journey, what, *arm, *of)
                self._customers[key] += sign * customers
                self._units[key] += sign * units

    def write(self, session: Session) -> None:
        """Add what was collected, and begin anew."""
        shard = 0 if dialect.of(session).one_writer else random.randrange(SHARDS)
        changed = {(*key, shard): (count, self._units[key]) for key, count in self._customers.items()}
        bulk.increment(session, RevenueSum, changed, _KEYS, ("customers", "units"))
        self._customers.clear()
        self._units.clear()


def sums(by_day: ByDay) -> Iterator[tuple[tuple[str, str, str], int, int]]:
    """What is kept of one customer: what, currency and part of the key; customers and units."""
    whole = Counter[str]()
    for (currency, day), units in by_day.items():
        whole[currency] += units
        if units:
            yield (DAY, currency, day), 0, units
    paid = {currency: units for currency, units in whole.items() if units}
    for currency, units in paid.items():
        yield (PAID, currency, f"{'-' if units < 0 else ''}{bucket_of(abs(units))}"), 1, units
    if paid:
        yield (PAYING, "", ""), 1, 0


def tally(session: Session) -> RevenueTally:
    """What this transaction changes; it is written before the commit."""
    return collection_of(session, RevenueTally)


def paid(session: Session, journey: str) -> Mapping[Arm, Mapping[str, list[tuple[int, int]]]]:
    """By variant and currency: of each bucket how many customers are in it, and what they paid together."""
    found: defaultdict[Arm, defaultdict[str, list[tuple[int, int]]]] = defaultdict(lambda: defaultdict(list))
    for split, variant, currency, _, customers, units in _sums(session, journey, PAID):
        if customers:
            found[split, variant][currency].append((customers, units))
    return found


def paying(session: Session, journey: str) -> Mapping[Arm, int]:
    """By variant: how many customers paid anything, in whatever currency."""
    return {(split, variant): customers for split, variant, _, _, customers, _ in _sums(session, journey, PAYING)}


def by_day(session: Session, journey: str) -> Mapping[Arm, ByDay]:
    """By variant: what came on each day in each currency."""
    found: defaultdict[Arm, dict[tuple[str, str], int]] = defaultdict(dict)
    for split, variant, currency, day, _, units in _sums(session, journey, DAY):
        if units:
            found[split, variant][currency, day] = units
    return found


def _sums(session: Session, journey: str, what: str) -> Iterator[tuple[str, str, str, str, int, int]]:
    by: Any = tuple(getattr(RevenueSum, name) for name in ("split", "variant", "currency", "part"))
    totals: Any = (func.sum(RevenueSum.customers), func.sum(RevenueSum.units))
    query: Any = select(*by, *totals).group_by(*by)
    query = query.where(RevenueSum.journey == journey, RevenueSum.what == what).order_by(*by)
    rows: Any = session.connection().execute(query)
    for split, variant, currency, part, customers, units in rows:
        yield split, variant, currency, part, int(customers), int(units)
