"""The one reader of dates and instants.

Read without being told how: ISO 8601 (a day or an instant, with or without a zone, the offset with or without its
colon, a blank for the `T`), and Unix time, as a number or as text. Seconds and milliseconds are told apart by their
size: both are taken from 1973 to 5138, where they do not overlap. Blanks around are nothing.
Anything else, `10.12.2026` and `12/10/2026` among it, is read by a format that somebody has stated, or not at all.
"""

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache

Moment = datetime | date
"""A day, an instant (UTC), or a local date and time of which nobody said where (naive)."""

LONGEST = 64
"""Characters of a date: twice what the longest form takes."""

SECONDS = range(10**8, 10**11)
"""Unix time in seconds: 1973 to 5138. What is smaller may be any number, and zero is nobody's birthday."""

MILLISECONDS = range(10**11, 10**14)
"""Unix time in milliseconds, over the same years."""

WRITTEN = "2026-12-10, 2026-12-10T09:00:00Z or Unix time"
"""Examples for whoever wrote something else."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(
    r"(\d{4})(-?)(\d\d)\2(\d\d)"
    r"(?:(?:T| +)(\d\d):?(\d\d)(?::?(\d\d)(?:[.,](\d{1,9}))?)?(?: *(Z|UTC|GMT|[+-]\d\d(?::?\d\d)?))?)?",
    re.ASCII | re.IGNORECASE,
)
_UNIX = re.compile(r"-?\d{9,14}(?:\.\d{1,9})?", re.ASCII)
_TOKENS = {"YYYY": r"(?P<year>\d{4})", "MM": r"(?P<month>\d{1,2})", "DD": r"(?P<day>\d{1,2})"} | {
    "HH": r"(?P<hour>\d{1,2})",
    "mm": r"(?P<minute>\d{2})",
    "ss": r"(?P<second>\d{2})",
}
_TOKEN = re.compile("|".join(_TOKENS))


def read(value: object, form: str | None = None) -> Moment | None:
    """The day or moment that a value holds, or None where it holds none.

    `form` is how texts are written that are no ISO 8601, such as "DD.MM.YYYY" (raises ValueError where it is no form);
    texts are read by it alone. It never raises for a value.
    """
    if isinstance(value, datetime):
        return _in_utc(value) if value.tzinfo else value
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return _unix(value)
    text = value.strip() if isinstance(value, str) else ""
    if not text or len(text) > LONGEST:
        return None
    if form is not None:
        return _by_form(text, form)
    return _unix(float(text)) if _UNIX.fullmatch(text) else _iso(text)


def day_of(moment: Moment) -> Moment:
    """What a date of a customer's means: midnight UTC is how a day without a time is sent (JavaScript does), so a day.

    An event's own instant is none of these: it happened then.
    """
    if isinstance(moment, datetime) and moment.tzinfo is not None and moment.time() == time():
        return moment.date()
    return moment


def instant(value: object) -> datetime | None:
    """The instant (UTC) that a value holds; without a zone it is UTC already. None where it holds none."""
    moment = read(value)
    if moment is None:
        return None
    if not isinstance(moment, datetime):
        moment = datetime.combine(moment, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _unix(number: float) -> datetime | None:
    if number != number or abs(number) >= MILLISECONDS.stop:
        return None
    seconds = abs(int(number)) in SECONDS
    if not (seconds or abs(int(number)) in MILLISECONDS):
        return None
    try:
        return _EPOCH + timedelta(microseconds=round(number * (1_000_000 if seconds else 1_000)))
    except OverflowError:
        return None


def _iso(text: str) -> Moment | None:
    found = _ISO.fullmatch(text)
    if found is None:
        return None
    year, _, month, day, hour, minute, second, fraction, zone = found.groups()
    try:
        whole = date(int(year), int(month), int(day))
        if hour is None:
            return whole
        micros = int((fraction or "0").ljust(6, "0")[:6])
        local = datetime.combine(whole, time(int(hour), int(minute), int(second or 0), micros))
        return local if zone is None else _in_utc(local.replace(tzinfo=_offset(zone)))
    except ValueError:
        return None


def _in_utc(moment: datetime) -> datetime | None:
    try:
        return moment.astimezone(UTC)
    except OverflowError:
        return None


def _offset(zone: str) -> timezone:
    if zone[0] not in "+-":
        return UTC
    digits = zone[1:].replace(":", "")
    span = timedelta(hours=int(digits[:2]), minutes=int(digits[2:] or 0))
    return timezone(-span if zone[0] == "-" else span)


# -- a stated format ---------------------------------------------------------------------------------------------------


def check_form(form: str) -> None:
    """Raise ValueError with a sentence where this is no form of dates."""
    _pattern(form)


def _by_form(text: str, form: str) -> Moment | None:
    found = _pattern(form).fullmatch(text)
    if found is None:
        return None
    parts = {name: int(value) for name, value in found.groupdict().items()}
    try:
        day = date(parts["year"], parts["month"], parts["day"])
        if "hour" not in parts:
            return day
        return datetime.combine(day, time(parts["hour"], parts.get("minute", 0), parts.get("second", 0)))
    except ValueError:
        return None


@lru_cache(maxsize=256)
def _pattern(form: str) -> re.Pattern[str]:
    """The form as a pattern: its tokens stand for digits, all else for itself."""
    named = _TOKEN.findall(form)
    between = _TOKEN.sub("", form)
    if len(form) > LONGEST or len({*named}) != len(named) or any(char.isalnum() for char in between):
        raise ValueError(f'{form!r:.80} is no form of dates; write YYYY, MM, DD, HH, mm and ss, such as "DD.MM.YYYY"')
    if not {"YYYY", "MM", "DD"} <= {*named}:
        raise ValueError(f"{form!r:.80} leaves a part out; a date has YYYY, MM and DD")
    pattern, last = "", 0
    for token in _TOKEN.finditer(form):
        pattern += re.escape(form[last : token.start()]) + _TOKENS[token[0]]
        last = token.end()
    return re.compile(pattern + re.escape(form[last:]), re.ASCII)
