"""A customer's story in a terminal.

Every row says its journey, and its time by the clock of UTC and by the customer's. What the product noted several times
over is one row, with how often.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rich.console import Console
from rich.padding import Padding
from rich.text import Text

from waypost.cli.terminal import told_time, wrapping_table

TOLD_AGAIN = frozenset({"Identify", "Group"})
"""Events that only tell a profile again."""

NARROW = 120
"""Columns of a terminal below which the story is lines, and no table."""


def print_status(console: Console, shown: dict[str, Any], story: list[dict[str, Any]]) -> None:
    """Who and where, what comes next, and everything that led there, the newest first."""
    customer = shown["customer"]
    zone = _zone(customer)
    _head(console, customer)
    if shown["lifecycle_stage"]:
        console.print(Text(f"Lifecycle stage: {shown['lifecycle_stage']}"))
    for enrollment in shown["enrollments"]:
        console.print(Text(_place(enrollment, zone)))
    if console.width < NARROW:
        return _print_lines(console, story)
    table = wrapping_table("When (UTC)", *([f"When ({zone.key})"] if zone else []), "What", "Journey", "Where", "Why")
    for entry, count in _folded(story):
        times = [_utc(entry["at"]), *([_local(entry["at"], zone)] if zone else [])]
        why_not = " ".join(filter(None, (why(entry), f"(×{count})" if count > 1 else "")))
        place = entry["step"] or entry["stage"] or ""
        table.add_row(*times, _what(entry), Text(_journey(entry)), Text(place), Text(why_not))
    console.print(table)


def _print_lines(console: Console, story: Sequence[dict[str, Any]]) -> None:
    """The same as two lines of each: a table of six columns is not read on a narrow terminal."""
    console.print(Text("Times are UTC", "dim"))
    for entry, count in _folded(story):
        what = Text(f"{_utc(entry['at'])}  ").append_text(_what(entry)).append(f"  {_journey(entry)}", "dim")
        console.print(what)
        place = entry["step"] or entry["stage"]
        told = " · ".join(filter(None, (place, why(entry), f"×{count}" if count > 1 else "")))
        if told:
            console.print(Padding(Text(told, overflow="fold"), (0, 0, 0, 4)))


def print_profiles(console: Console, name: str, profiles: Sequence[Mapping[str, Any]], command: str = "status") -> None:
    """Everybody with an address, the oldest first, and what to ask about each."""
    console.print(Text(f"{len(profiles)} customers have the address {name}. Ask about one of them:", "bold"))
    table = wrapping_table("Id", "Since (UTC)", "Lifecycle stage", "Ask")
    for one in profiles:
        ask = f"waypost {command} {one['id']}"
        table.add_row(
            Text(one["external_id"] or one["id"]), _utc(one["created_at"]), one["lifecycle_stage"] or "", Text(ask)
        )
    console.print(table)


def _head(console: Console, customer: Mapping[str, Any]) -> None:
    console.print(Text(f"{customer['external_id'] or customer['id']}  {customer['email'] or '(no address)'}", "bold"))


def _folded(story: Sequence[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], int]]:
    """Entries one after the other that say the same at other times, as the newest of them and how many there are.

    What a customer did is no bookkeeping: each time stands for itself, but where their profile was only told again.
    """

    def says(entry: dict[str, Any]) -> tuple[Any, ...]:
        did = entry["kind"] == "event" and entry["what"] not in TOLD_AGAIN
        at = entry["at"] if did else None
        return entry["kind"], entry["what"], at, _journey(entry), entry["stage"], entry["step"], why(entry)

    for _, same in groupby(story, key=says):
        first, *more = same
        yield first, 1 + len(more)


def _utc(at: str) -> str:
    return told_time(at, seconds=True)


def _zone(customer: Mapping[str, Any]) -> ZoneInfo | None:
    """The customer's own zone, where it is known and means something on this machine."""
    try:
        return ZoneInfo(customer["timezone"]) if customer["timezone"] else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def _local(at: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(at).astimezone(zone):%Y-%m-%d %H:%M:%S}"


def _place(enrollment: dict[str, Any], zone: ZoneInfo | None) -> str:
    place = f"{enrollment['journey']} v{enrollment['version']}: stage {enrollment['stage']}"
    if enrollment["status"] == "ended":
        return f"{place}, ended ({enrollment['reason']})"
    doing = f"in {enrollment['step']}" if enrollment["step"] else "resting behind the last step"
    return f"{place}, {doing}{', paused' if enrollment['paused'] else ''}{_until(enrollment['wakes_at'], zone)}"


def _until(at: str | None, zone: ZoneInfo | None) -> str:
    if at is None:
        return ""
    return f", acts by itself at {_utc(at)} UTC" + (f" ({_local(at, zone)} {zone.key})" if zone else "")


def _journey(entry: dict[str, Any]) -> str:
    """The journey with the version of it that decided."""
    version = entry.get("version")
    return (entry["journey"] or "") + (f" v{version}" if version else "")


def _what(entry: dict[str, Any]) -> Text:
    return Text(entry["what"], "cyan" if entry["kind"] == "event" else "")


def why(entry: dict[str, Any]) -> str:
    """The reason of an entry, in a few words."""
    detail = entry["detail"]
    match entry["what"]:
        case "moved":
            return f"→ {detail.get('to_step') or detail['to']}, by {_cause(detail)}"
        case "asked":
            return "; ".join(_verdict(one) for one in detail.get("guards", [])) or detail.get("why", "")
        case "migrated" | "not_migrated":
            moved = f"v{detail['from']['version']} → v{detail['to']['version']}"
            return f"{moved}, {detail['kind']}" if entry["what"] == "migrated" else f"not {moved}: {detail['kind']}"
        case "branched":
            return f"took {detail['took']}"
        case _:
            names = ("template", "reason", "variant", "event", "journey", "refused", "until", "explanation", "error")
            named = ((name, detail.get(name)) for name in names)
            return ", ".join(
                f"until {_utc(value)} UTC" if name == "until" else str(value) for name, value in named if value
            )


def _cause(detail: dict[str, Any]) -> str:
    if detail["cause"] == "when":
        return "its guard alone"
    if detail["cause"] == "person":
        return "a person"
    return f"event {detail['event']}" if detail.get("event") else detail["cause"]


def _verdict(asked: dict[str, Any]) -> str:
    seen = ", ".join(f"{name} = {value}" for name, value in asked["seen"].items())
    return f"{asked['guard']} is {str(asked['holds']).lower()} ({seen})"


def print_forecast(console: Console, shown: dict[str, Any], ahead: list[dict[str, Any]]) -> None:
    """The next actions of each live enrollment, and what would lead elsewhere."""
    _head(console, shown["customer"])
    if not ahead:
        console.print("No journey is under way.")
    for one in ahead:
        place = one["step"] or "behind the last step"
        console.print(Text(f"{one['journey']}: stage {one['stage']}, {place}{', paused' if one['paused'] else ''}"))
        table = wrapping_table("When (the customer's clock)", "When (UTC)", "What", "Where")
        for action in one["actions"]:
            table.add_row(action["local"], _utc(action["at"]), Text(_next(action)),
                          Text(action["step"] or action["stage"]))  # fmt: skip
        console.print(table if one["actions"] else "  Nothing more happens by itself.")
        if one["unless"]:
            console.print(Text("  unless: " + "; ".join(one["unless"])))


def _next(action: dict[str, Any]) -> str:
    detail = action["detail"]
    match action["what"]:
        case "send":
            return f"send {detail['template']}"
        case "skip" | "defer":
            return f"{action['what']} {detail['template']} ({detail['reason']})"
        case "moved":
            return f"move to {detail['to']}"
        case "ended":
            return f"end ({detail['reason']})"
        case what:
            return what.replace("_", " ")
