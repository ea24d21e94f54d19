"""Instants, numbers and names as pages show them.

An instant is shown in the reader's zone, which their browser has told in a cookie (else UTC), with UTC beside it for
whoever points at it.
"""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request
from markupsafe import Markup, escape

from readers import zones

ZONE_COOKIE = "zone"
"""In which the browser says where it is: set by `templates/pages/static/app.js`."""

LONGEST_SHOWN = 200
"""Characters of a value in a list; a page of its own shows the rest."""


def zone_of(request: Request) -> ZoneInfo:
    """The reader's zone; UTC where the browser has not told one, or told none."""
    name = zones.read(request.cookies.get(ZONE_COOKIE, ""))
    return ZoneInfo(name) if name is not None else ZoneInfo("UTC")


class Formats:
    """The filters of the templates for one reader, at one instant."""

    def __init__(self, zone: ZoneInfo, now: datetime) -> None:
        self.zone = zone
        self.now = now

    def when(self, at: datetime | str | None) -> Markup:
        """An instant to the minute; nothing of None."""
        if at is None:
            return Markup("")
        at = datetime.fromisoformat(at) if isinstance(at, str) else at
        shown = f"{at.astimezone(self.zone):%-d %b %Y, %H:%M}"
        return _time(at, shown if at.year != self.now.year else shown.replace(f" {at.year},", ","))

    def ago(self, at: datetime | None) -> Markup:
        """How long ago an instant was, or how long it still is, roughly."""
        if at is None:
            return Markup("")
        span = self.now - at
        return _time(at, f"{_roughly(span)} ago" if span >= timedelta(0) else f"in {_roughly(-span)}")

    def local(self, at: datetime, zone: str | None) -> str:
        """An instant on somebody else's clock; empty where theirs is the reader's."""
        there = zones.read(zone) if zone else None
        elsewhere = there is not None and there != self.zone.key
        return f"{at.astimezone(ZoneInfo(there)):%a %-d %b, %H:%M} {there}" if there and elsewhere else ""


def _time(at: datetime, shown: str) -> Markup:
    utc = at.astimezone(UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        utc.isoformat().replace("+00:00", "Z"), f"{utc:%Y-%m-%d %H:%M:%S}", shown
    )


_UNITS = ((timedelta(days=730), timedelta(days=365), "years"), (timedelta(days=60), timedelta(days=30), "months"),
          (timedelta(days=2), timedelta(days=1), "days"), (timedelta(hours=2), timedelta(hours=1), "h"),
          (timedelta(minutes=1), timedelta(minutes=1), "min"))  # fmt: skip


def _roughly(span: timedelta) -> str:
    for least, unit, name in _UNITS:
        if span >= least:
            return f"{span // unit} {name}"
    return "a moment"


def number(value: float | int | None) -> str:
    """A number with its thousands apart; a dash of None."""
    return "–" if value is None else f"{value:,}"


def words(name: str | None) -> str:
    """A key or a code as a person reads it: `first_time_buyer` is `first time buyer`."""
    return (name or "").replace("_", " ")


def step(id: str) -> str:
    """A step as a person reads it: `lapsed/send:win_back_offer` is `send win back offer`."""
    return words(id.partition("/")[2]).replace(":", " ", 1)


def short(value: Any) -> str:
    """A value in a list: a text, cut where it is long."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def pairs(value: Mapping[str, Any]) -> Markup:
    """The parts of a detail, each with its name."""
    one = Markup('<span class="pair"><span class="pair-name">{}</span> {}</span>')
    return Markup(" ").join(one.format(words(name), short(part)) for name, part in value.items() if part is not None)


def as_json(value: Any) -> str:
    """A value as the API tells it, on one line."""
    return orjson.dumps(value).decode()


def initials(name: str) -> str:
    """One or two letters for whoever has no picture."""
    parts = [one for one in name.replace("@", " ").replace(".", " ").split() if one[0].isalnum()]
    return str(escape("".join(one[0] for one in parts[:2]).upper() or "?"))
