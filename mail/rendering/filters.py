"""Filters that templates expect: amounts, numbers, dates and times, as the mail's language writes them.

    {{ customer.order.total | currency("EUR") }}     1.234,50 €      {{ enrollment.delivery | date("full") }}
    {{ 0.25 | percent }}  {{ 12345 | number }}       {{ now | time }}  {{ now | datetime("short") }}

Instants are shown in the customer's zone. Values are read as everywhere (`readers`): ISO 8601 or Unix time, a number
or a text that writes one with a decimal point; a day has no zone.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import Decimal
from functools import lru_cache
from typing import Any
from zoneinfo import ZoneInfo

import babel.dates
import babel.numbers
from babel import Locale, UnknownLocaleError
from jinja2 import pass_context
from jinja2.runtime import Context

from readers import dates, numbers

FALLBACK = "en"
"""The locale of whoever has none that Babel knows."""


class UnreadValue(ValueError):
    """A value that a filter could not read; its text says nothing of the value."""

    def __init__(self, told: str, name: str, value: Any) -> None:
        super().__init__(told)
        self.unread = (name, str(value))


@pass_context
def currency(context: Context, value: Any, code: str = "EUR") -> str:
    """An amount in the currency of this ISO 4217 code; raise ValueError where it is no number."""
    return babel.numbers.format_currency(_number(value, "currency"), code.upper(), locale=_locale(context))


@pass_context
def number(context: Context, value: Any) -> str:
    """A number, grouped; raise ValueError where it is none."""
    return babel.numbers.format_decimal(_number(value, "number"), locale=_locale(context))


@pass_context
def percent(context: Context, value: Any) -> str:
    """A share of 1 as a percentage; raise ValueError where it is no number."""
    return babel.numbers.format_percent(_number(value, "percent"), locale=_locale(context))


@pass_context
def date_(context: Context, value: Any, style: str = "long") -> str:
    """The day; `style` is short, medium, long or full (CLDR). Raise ValueError where it is no date."""
    at = dates.day_of(_instant(value, "date"))
    return babel.dates.format_date(
        _here(context, at) if isinstance(at, datetime) else at, style, locale=_locale(context)
    )


@pass_context
def time_(context: Context, value: Any, style: str = "short") -> str:
    """The time of day; raise ValueError where it is no date."""
    return babel.dates.format_time(_here(context, _moment(value, "time")), style, locale=_locale(context))


@pass_context
def datetime_(context: Context, value: Any, style: str = "medium") -> str:
    """Day and time; raise ValueError where it is no date."""
    return babel.dates.format_datetime(_here(context, _moment(value, "datetime")), style, locale=_locale(context))


FILTERS: Mapping[str, Callable[..., str]] = {
    "currency": currency,
    "number": number,
    "percent": percent,
    "date": date_,
    "time": time_,
    "datetime": datetime_,
}
"""By the names that templates use."""


def language(tag: str) -> str:
    """The language of a tag such as `de-AT`."""
    return tag.partition("-")[0]


@lru_cache(maxsize=256)
def _known(tag: str) -> Locale:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale.parse(FALLBACK)


def _locale(context: Context) -> Locale:
    return _known(str(context.get("locale") or FALLBACK))


def _here(context: Context, at: datetime) -> datetime:
    zone = str(context.get("timezone") or "UTC")
    return at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


def _number(value: Any, name: str) -> Decimal:
    found = numbers.read(value)
    if found is None:
        raise UnreadValue("this is no number", name, value)
    return Decimal(str(found))


def _instant(value: Any, name: str) -> date | datetime:
    at = dates.read(value)
    if at is None:
        raise UnreadValue(f"this is no date: write {dates.WRITTEN}", name, value)
    return at.replace(tzinfo=UTC) if isinstance(at, datetime) and not at.tzinfo else at


def _moment(value: Any, name: str) -> datetime:
    at = _instant(value, name)
    return at if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
