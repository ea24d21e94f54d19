"""Lines of a file of rates: `day`, `currency`, and `rate`, what one unit of it is worth in the main currency.

A rate is read as it is written, by a decimal point, and never as a floating number.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from sqlmodel import Session

from services.errors import Refused
from services.installation import installation_settings
from services.values import Rejected
from store.queries.figures import currency_rates

_CURRENCY = re.compile(r"[A-Z]{3}")

LARGEST, DECIMALS = Decimal(10) ** 12, 12
"""Bounds of a rate: no currency is worth so much more or less than another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RateLine:
    """One rate, in the main currency."""

    main: str
    currency: str
    day: str
    rate: Decimal


def main_currency(session: Session) -> str:
    """The currency in which rates are told; raise Refused where the settings name none."""
    main = installation_settings.load(session).main_currency
    if main is None:
        raise Refused("set main_currency in the settings first: rates are told in it")
    return main


def read(record: Mapping[str, Any], main: str) -> RateLine:
    """What a line says; raise Rejected."""
    currency = str(record.get("currency") or "").strip().upper()
    if not _CURRENCY.fullmatch(currency):
        raise Rejected("currency", "must be three letters, as EUR (ISO 4217)")
    if currency == main:
        raise Rejected("currency", f"{main} is the main currency: it has no rate")
    return RateLine(main=main, currency=currency, day=_day(record.get("day")), rate=_rate(record.get("rate")))


def keep(session: Session, lines: Sequence[RateLine]) -> list[bool]:
    """Keep the rates; of each line whether it says anything new. Of a day that is told twice the last one stands."""
    if not lines:
        return []
    main, told = lines[0].main, {(one.currency, one.day): one.rate for one in lines}
    known = currency_rates.known(session, main, told)
    currency_rates.put(session, main, told)
    return [known.get((one.currency, one.day)) != one.rate for one in lines]


def _day(said: Any) -> str:
    try:
        return date.fromisoformat(str(said or "").strip()).isoformat()
    except ValueError:
        raise Rejected("day", f"must be a day, as 2026-03-02, found {str(said)!r:.40}") from None


def _rate(said: Any) -> Decimal:
    try:
        found = Decimal(str(said).strip()) if not isinstance(said, bool) else Decimal("NaN")
    except InvalidOperation:
        found = Decimal("NaN")
    if not (found.is_finite() and 0 < found < LARGEST):
        raise Rejected("rate", f"must be a number above zero with a decimal point, found {str(said)!r:.40}")
    if round(found, DECIMALS) != found:
        raise Rejected("rate", f"has more than {DECIMALS} decimals")
    return found.normalize() + 0
