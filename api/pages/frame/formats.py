"""Instants, numbers and names as pages show them.

An instant is shown in the reader's zone, which their browser has told in a cookie (else UTC), with UTC beside it for
whoever points at it.
"""

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

import orjson
from fastapi import Request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import Markup, escape

from pictures.step_words import short_guard
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


def short(value: Any) -> str:
    """A value in a list: a text, cut where it is long."""
    text = value if isinstance(value, str) else str(value)
    return text if len(text) <= LONGEST_SHOWN else text[: LONGEST_SHOWN - 1] + "…"


def value(given: Any) -> str:
    """What stands in a field, in a list: a text as it is, nothing of None, all else as the API tells it."""
    if given in (None, "", {}, []):
        return "nothing"
    return short(given if isinstance(given, str) else as_json(given))


_PAIR = Markup('<span class="pair"><span class="pair-name">{}</span> <bdi>{}</bdi></span>')

_GUARD = Markup('<span class="pair"><span class="badge{}">{}</span> <bdi>{}</bdi> {}</span>')

CODES = frozenset({"reason", "cause", "template", "to", "from", "stage", "because"})
"""Parts of a detail that are keys or codes, and are shown as words."""

_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d+)?)?(Z|[+-]\d\d:\d\d)")
_TOLD_INSTANT = re.compile(r"(\d{4}-\d\d-\d\d \d\d:\d\d) UTC")


@pass_context
def said(context: Context, value: Mapping[str, Any]) -> Markup:
    """The parts of what somebody said (properties, a record of a file), each with its name and as it came.

    Nothing in it is taken for a code or a guard of ours, whatever it calls itself.
    """
    there = [(name, part) for name, part in value.items() if part not in (None, [], {})]
    return Markup(" ").join(_PAIR.format(words(name), _part(context, "", part)) for name, part in there)


@pass_context
def pairs(context: Context, value: Mapping[str, Any], without: Collection[str] = ()) -> Markup:
    """The parts of a detail of ours, each with its name; what somebody wrote turns round nothing beside it."""
    there = [(name, part) for name, part in value.items() if part not in (None, [], {}) and name not in without]
    return Markup(" ").join(
        _guards(context, part) if _are_guards(name, part) else _PAIR.format(words(name), _part(context, name, part))
        for name, part in there
    )


def _part(context: Context, name: str, part: Any) -> str:
    if isinstance(part, str):
        at = _instant(part) if _INSTANT.fullmatch(part) else None
        return context["when"](at) if at else short(words(part) if name in CODES else part)
    try:
        return short(as_json(part))
    except TypeError:  # a number that no JSON of the API holds
        return short(part)


def _instant(text: str) -> datetime | None:
    """An instant with its zone; None where there is none such on anybody's clock."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at if 1 < at.year < 9999 else None


def _are_guards(name: str, part: Any) -> bool:
    """Whether this is what a decision tells of guards."""
    told = cast(list[Any], part) if name == "guards" and isinstance(part, list) else []
    return bool(told) and all(isinstance(one, dict) and {"guard", "holds", "seen"} <= {*one} for one in told)


def _guards(context: Context, asked: Sequence[Mapping[str, Any]]) -> Markup:
    """What was asked of the customer, whether it held, and the values that were seen."""
    return Markup(" ").join(
        _GUARD.format(
            " good" if one["holds"] else "", "true" if one["holds"] else "false", short(short_guard(str(one["guard"]))),
            said(context, {short_guard(str(name)): seen for name, seen in dict(one["seen"] or {}).items()})
            + pairs(context, one, ("guard", "holds", "seen")),
        )
        for one in asked
    )  # fmt: skip


@pass_context
def told(context: Context, sentence: str) -> Markup:
    """A sentence that begins as one does (but for a key), its instants on the reader's clock."""
    key = "_" in sentence.partition(" ")[0]
    parts = _TOLD_INSTANT.split(sentence if key else sentence[:1].upper() + sentence[1:])
    instants = [_instant(f"{part}+00:00") if number % 2 else None for number, part in enumerate(parts)]
    return Markup("").join(
        context["when"](at) if at else escape(part) for part, at in zip(parts, instants, strict=True)
    )


def as_json(value: Any) -> str:
    """A value as the API tells it, on one line."""
    return orjson.dumps(value).decode()


def initials(name: str) -> str:
    """One or two letters for whoever has no picture."""
    parts = [one for one in name.replace("@", " ").replace(".", " ").split() if one[0].isalnum()]
    return str(escape("".join(one[0] for one in parts[:2]).upper() or "?"))
