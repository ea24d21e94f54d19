"""The days, weeks or months of a report: which there are, and which days each of them has."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from services.errors import InvalidInput

PeriodLength = Literal["day", "week", "month"]

DAYS = 30
"""Of a report that does not say since when."""

LONGEST: Mapping[PeriodLength, int] = {"day": 366, "week": 2 * 366, "month": 20 * 366}
"""Days at most: so that a report has some hundred periods, not thousands that nobody reads."""

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days from `since` to `until`, both of them in it."""

    since: date
    until: date

    @property
    def days(self) -> Iterator[date]:
        """Each of its days."""
        return (self.since + number * _DAY for number in range((self.until - self.since).days + 1))


def periods(since: date | None, until: date | None, by: PeriodLength, today: date) -> list[Period]:
    """The periods from one day to another, in their order; the first and the last may be cut short.

    A week begins on Monday. What lies behind `today` is left out. Raise InvalidInput for a span that ends before it
    begins or that is longer than LONGEST.
    """
    last = min(until or today, today)
    first = since or last - timedelta(days=DAYS - 1)
    if until is not None and first > until:
        raise InvalidInput(f"`from` ({first}) is after `to` ({until})", "from")
    if (last - first).days > LONGEST[by]:
        wider = {"day": "week", "week": "month"}.get(by)
        way_out = f"; ask by={wider}" if wider else ""
        raise InvalidInput(f"by={by} covers {LONGEST[by]} days at most{way_out}", "from")
    return list(_periods(first, last, by))


def _periods(first: date, last: date, by: PeriodLength) -> Iterator[Period]:
    while first <= last:
        until = min(_LAST_DAY[by](first), last)
        yield Period(since=first, until=until)
        first = until + _DAY


_LAST_DAY: Mapping[PeriodLength, Callable[[date], date]] = {
    "day": lambda day: day,
    "week": lambda day: day + timedelta(days=6 - day.weekday()),
    "month": lambda day: (day.replace(day=1) + timedelta(days=32)).replace(day=1) - _DAY,
}
"""The last day of the period in which a day lies."""
