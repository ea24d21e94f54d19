"""Rates of currencies by day, as they were told last."""

from collections.abc import Collection, Mapping
from decimal import Decimal
from typing import Any

from sqlmodel import Session, col, select

from store import bulk
from store.tables.currency_rates import CurrencyRate

RateOf = tuple[str, str]
"""A currency and a day (`2026-03-02`)."""


def known(session: Session, main: str, wanted: Collection[RateOf]) -> dict[RateOf, Decimal]:
    """The rates of these currencies in the main one, on these days; what is not known is left out."""
    if not wanted:
        return {}
    days = [day for _, day in wanted]
    query: Any = select(CurrencyRate.currency, CurrencyRate.day, CurrencyRate.rate).where(
        CurrencyRate.main == main,
        col(CurrencyRate.currency).in_(sorted({currency for currency, _ in wanted})),
        CurrencyRate.day >= min(days),
        CurrencyRate.day <= max(days),
    )
    rows: Any = session.connection().execute(query)
    return {(currency, day): Decimal(rate) for currency, day, rate in rows}


def put(session: Session, main: str, rates: Mapping[RateOf, Decimal]) -> None:
    """Keep rates in the place of what was told of their days before."""
    rows: list[bulk.ColumnValues] = [
        {"main": main, "currency": currency, "day": day, "rate": str(rate)}
        for (currency, day), rate in sorted(rates.items())
    ]
    bulk.put(session, CurrencyRate, rows)
