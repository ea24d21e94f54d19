"""Durations and local times as marketers write them, turned into instants.

Laws of time. Every instant is an aware `datetime` in UTC; local times are computed in the customer's zone. A local
time that a daylight-saving gap skips becomes the first instant after the gap; one that occurs twice means the first.
"2 days" is 48 hours; "2 calendar days" keeps the local time of day. "until 09:00" is strictly after now.

This module must not know the current time: it is always an argument.
"""

import calendar as months_of
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from readers import dates, zones

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
"""As they are written; their place is the number of the day, from Monday (0)."""

EVERY_DAY = frozenset(range(7))
"""All seven."""

LONGEST = timedelta(days=36_525)
"""Of a duration: a hundred years, beyond which instants pass the end of the calendar."""

WEEK = 7 * 1_440
"""Minutes."""

YEARS = range(1000, 9001)
"""Of a date of a customer's: what is moved by a hundred years stays in the calendar."""

_SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400, "week": 604_800}
_TOLD_IN = ("day", "hour", "minute", "second")
_SPAN = re.compile(r"(\d{1,9}) +(calendar +)?([a-z]+?)s?", re.ASCII)
_TIME = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)


@dataclass(frozen=True, slots=True, kw_only=True)
class Span:
    """A duration: elapsed `seconds`, plus calendar `days` and `months` that keep the local time of day."""

    seconds: int = 0
    days: int = 0
    months: int = 0

    @property
    def needs_zone(self) -> bool:
        """Whether it takes a zone to add it to an instant."""
        return bool(self.days or self.months)

    @property
    def elapsed(self) -> timedelta:
        """The duration as elapsed time, a calendar day counted as 24 hours and a month as 30 days."""
        return timedelta(seconds=self.seconds, days=self.days + 30 * self.months)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalTime:
    """The next time the customer's clock shows `at` on one of `days` (0 is Monday)."""

    at: time
    days: frozenset[int] = EVERY_DAY


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Local hours in which mail may go, from `opens` (included) to `closes` (excluded); it may pass midnight."""

    opens: time
    closes: time
    days: frozenset[int] = EVERY_DAY


def parse_span(text: str) -> Span:
    """Read "2 days", "36 hours", "1 week", "2 calendar days", "1 calendar month"; raise ValueError saying what fits."""
    match = _SPAN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f'{text!r} is not a duration; write a whole number and a unit, such as "2 days" or "36 hours"')
    number, by_calendar, unit = int(match[1]), bool(match[2]), match[3]
    span = _calendar_span(number, unit) if by_calendar else _elapsed_span(number, unit)
    if span is None:
        units = "days, weeks, months" if by_calendar else 'seconds, minutes, hours, days, weeks, or "calendar months"'
        raise ValueError(f"{unit!r} is not a unit of time here; units are {units}")
    if number == 0 or number > 10**8 or span.elapsed > LONGEST:
        raise ValueError(f"{text!r} is out of range; a duration lasts from 1 second to 100 years")
    return span


def _elapsed_span(number: int, unit: str) -> Span | None:
    return Span(seconds=number * _SECONDS[unit]) if unit in _SECONDS else None


def _calendar_span(number: int, unit: str) -> Span | None:
    match unit:
        case "day":
            return Span(days=number)
        case "week":
            return Span(days=7 * number)
        case "month":
            return Span(months=number)
        case _:
            return None


def span_words(seconds: int) -> str:
    """A span of so many seconds, at least one, in the largest unit that measures it; `parse_span` reads it."""
    unit, size = next((unit, _SECONDS[unit]) for unit in _TOLD_IN if seconds % _SECONDS[unit] == 0)
    count = seconds // size
    return f"{count} {unit}" + ("s" if count != 1 else "")


def parse_offset(text: str) -> tuple[int, Span]:
    """Read "-3 days" or "2 calendar weeks": the direction (-1 or 1) and the span."""
    stripped = text.strip()
    sign = -1 if stripped.startswith("-") else 1
    return sign, parse_span(stripped.removeprefix("-").removeprefix("+").strip())


def parse_time(text: str) -> time:
    """Read a local time of day, "09:00" to "23:59"."""
    match = _TIME.fullmatch(text)
    if match is None:
        raise ValueError(f'{text!r} is not a time of day; write hours and minutes, such as "09:00"')
    return time(int(match[1]), int(match[2]))


def parse_days(value: str | list[str]) -> frozenset[int]:
    """Read weekdays: "mon-fri", "tue", ["tue", "thu"]."""
    parts = value if isinstance(value, list) else [part.strip() for part in value.split(",")]
    days: set[int] = set()
    for part in parts:
        first, _, last = part.partition("-")
        start, end = _weekday(first), _weekday(last or first)
        days.update((start + step) % 7 for step in range((end - start) % 7 + 1))
    return frozenset(days)


def _weekday(text: str) -> int:
    name = text.strip().lower()[:3]
    if name not in WEEKDAYS:
        raise ValueError(f"{text!r} is not a weekday; weekdays are {', '.join(WEEKDAYS)}")
    return WEEKDAYS.index(name)


def zone_of(*names: str | None) -> ZoneInfo:
    """The first of `names` that names a zone (`readers.zones`), else UTC."""
    return ZoneInfo(next(filter(None, map(zones.read, names)), "UTC"))


def check_zone(name: str) -> None:
    """Raise ValueError with a sentence where `name` is no zone, spelt as in the IANA database."""
    known = zones.read(name)
    if known != name:
        meant = known or zones.nearest(name)
        hint = f'; did you mean "{meant}"?' if meant else ', such as "Europe/Berlin"'
        raise ValueError(f"{name!r:.80} is not an IANA time zone{hint}")


def resolve(local: datetime, zone: ZoneInfo) -> datetime:
    """The instant at which clocks in `zone` show the naive `local` time (see the laws above)."""
    earlier = local.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if earlier.astimezone(zone).replace(tzinfo=None) == local:
        return earlier
    return _end_of_gap(local.replace(tzinfo=zone, fold=1).astimezone(UTC), earlier, zone)


def _end_of_gap(before: datetime, after: datetime, zone: ZoneInfo) -> datetime:
    """Bisect to the second at which the offset of `zone` changes between two instants."""
    offset = before.astimezone(zone).utcoffset()
    while after - before > timedelta(seconds=1):
        middle = before + timedelta(seconds=int((after - before).total_seconds()) // 2)
        if middle.astimezone(zone).utcoffset() == offset:
            before = middle
        else:
            after = middle
    return after


def add(start: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """`span` after `start`; a day past the end of a month becomes its last day."""
    moved = start
    if span.needs_zone:
        local = start.astimezone(zone).replace(tzinfo=None)
        moved = resolve(_add_months(local, span.months) + timedelta(days=span.days), zone)
    return moved + timedelta(seconds=span.seconds)


def _add_months(local: datetime, count: int) -> datetime:
    year, month = divmod(local.year * 12 + local.month - 1 + count, 12)
    last = months_of.monthrange(year, month + 1)[1]
    return local.replace(year=year, month=month + 1, day=min(local.day, last))


def subtract(start: datetime, span: Span, zone: ZoneInfo) -> datetime:
    """`span` before `start`, by the same laws as `add`."""
    moved = start - timedelta(seconds=span.seconds)
    if span.needs_zone:
        local = moved.astimezone(zone).replace(tzinfo=None)
        moved = resolve(_add_months(local, -span.months) - timedelta(days=span.days), zone)
    return moved


def read_date(value: object, zone: ZoneInfo, form: str | None = None) -> datetime | None:
    """The instant that an attribute holds, as `readers.dates` reads it; None where it holds none, or none of YEARS.

    A day means its first moment in `zone`, and so does midnight UTC, which is how a day without a time is sent.
    `form` is how texts are written that are no ISO 8601 (`dates.read`).
    """
    moment = dates.read(value, form)
    if moment is None or moment.year not in YEARS:
        return None
    moment = dates.day_of(moment)
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else resolve(moment, zone)


def at_time(instant: datetime, at: time, zone: ZoneInfo) -> datetime:
    """The same local day as `instant`, at this local time."""
    return resolve(datetime.combine(instant.astimezone(zone).date(), at), zone)


def moved(instant: datetime, offset: tuple[int, Span] | None, at: time | None, zone: ZoneInfo) -> datetime:
    """A date moved by an offset, then set to a local time where one is given."""
    if offset is not None:
        sign, span = offset
        instant = add(instant, span, zone) if sign > 0 else subtract(instant, span, zone)
    return at_time(instant, at, zone) if at is not None else instant


def next_local(after: datetime, moment: LocalTime, zone: ZoneInfo) -> datetime:
    """The first instant strictly after `after` at which the local clock shows `moment`."""
    today = after.astimezone(zone).date()
    for offset in range(9):
        day = today + timedelta(days=offset)
        if day.weekday() in moment.days:
            instant = resolve(datetime.combine(day, moment.at), zone)
            if instant > after:
                return instant
    raise AssertionError(f"no {moment} within nine days of {after}")


def is_open(window: Window, instant: datetime, zone: ZoneInfo) -> bool:
    """Whether mail may go at `instant`."""
    local = instant.astimezone(zone)
    now, today = local.time().replace(tzinfo=None), local.weekday()
    if window.opens < window.closes:
        return today in window.days and window.opens <= now < window.closes
    return (today in window.days and now >= window.opens) or ((today - 1) % 7 in window.days and now < window.closes)


@lru_cache(maxsize=1_024)
def meet(one: Window, other: Window) -> bool:
    """Whether there is an hour of the week in which both windows are open."""
    return any(begins < ends for begins, ends in _shared(one, other))


def _shared(one: Window, other: Window) -> Iterator[tuple[int, int]]:
    """What two windows have in common, in minutes of a week that comes round again."""
    for opens, closes in _open_minutes(one):
        for begins, ends in _open_minutes(other):
            for weeks in (-WEEK, 0, WEEK):
                yield max(opens, begins + weeks), min(closes, ends + weeks)


def _open_minutes(window: Window) -> Iterator[tuple[int, int]]:
    opens, closes = (60 * at.hour + at.minute for at in (window.opens, window.closes))
    for day in window.days:
        yield 1_440 * day + opens, 1_440 * day + (closes if opens < closes else closes + 1_440)


def written(window: Window) -> str:
    """A window as people write it: `22:00 to 06:00`, with its days where these are not all."""
    days = "" if window.days == EVERY_DAY else " on " + ", ".join(WEEKDAYS[day] for day in sorted(window.days))
    return f"{window.opens:%H:%M} to {window.closes:%H:%M}{days}"


def next_open(window: Window, instant: datetime, zone: ZoneInfo) -> datetime:
    """`instant` itself where the window is open, else the next opening."""
    if is_open(window, instant, zone):
        return instant
    return next_local(instant, LocalTime(at=window.opens, days=window.days), zone)
