"""A customer's story in a terminal."""

from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text


def print_status(console: Console, shown: dict[str, Any], story: list[dict[str, Any]]) -> None:
    """Who and where, what comes next, and everything that led there, the newest first."""
    customer = shown["customer"]
    console.print(Text(f"{customer['external_id'] or customer['id']}  {customer['email'] or '(no address)'}", "bold"))
    if shown["lifecycle_stage"]:
        console.print(Text(f"Lifecycle stage: {shown['lifecycle_stage']}"))
    for enrollment in shown["enrollments"]:
        console.print(Text(_place(enrollment)))
    table = Table("When (UTC)", "What", "Where", "Why", box=None, pad_edge=False)
    for entry in story:
        where = entry["step"] or entry["stage"] or ""
        table.add_row(entry["at"][:19].replace("T", " "), _what(entry), Text(where), Text(why(entry)))
    console.print(table)


def _place(enrollment: dict[str, Any]) -> str:
    place = f"{enrollment['journey']} v{enrollment['version']}: stage {enrollment['stage']}"
    if enrollment["status"] == "ended":
        return f"{place}, ended ({enrollment['reason']})"
    doing = f"in {enrollment['step']}" if enrollment["step"] else "resting behind the last step"
    until = f", acts by itself at {enrollment['wakes_at'][:19].replace('T', ' ')} UTC" if enrollment["wakes_at"] else ""
    return f"{place}, {doing}{', paused' if enrollment['paused'] else ''}{until}"


def _what(entry: dict[str, Any]) -> Text:
    return Text(entry["what"], "cyan" if entry["kind"] == "event" else "")


def why(entry: dict[str, Any]) -> str:
    """The reason of an entry, in a few words."""
    detail = entry["detail"]
    match entry["what"]:
        case "moved":
            return f"→ {detail['to']}, by {_cause(detail)}"
        case "asked":
            return "; ".join(_verdict(one) for one in detail.get("guards", [])) or detail.get("why", "")
        case "branched":
            return f"took {detail['took']}"
        case _:
            names = ("template", "reason", "variant", "event", "journey", "refused", "until", "explanation", "error")
            named = (detail.get(name) for name in names)
            return ", ".join(str(value) for value in named if value)


def _cause(detail: dict[str, Any]) -> str:
    if detail["cause"] == "when":
        return "its guard alone"
    return f"event {detail['event']}" if detail.get("event") else detail["cause"]


def _verdict(asked: dict[str, Any]) -> str:
    seen = ", ".join(f"{name} = {value}" for name, value in asked["seen"].items())
    return f"{asked['guard']} is {str(asked['holds']).lower()} ({seen})"


def print_forecast(console: Console, shown: dict[str, Any], ahead: list[dict[str, Any]]) -> None:
    """The next actions of each live enrollment, and what would lead elsewhere."""
    customer = shown["customer"]
    console.print(Text(f"{customer['external_id'] or customer['id']}  {customer['email'] or '(no address)'}", "bold"))
    if not ahead:
        console.print("No journey is under way.")
    for one in ahead:
        place = one["step"] or "behind the last step"
        console.print(Text(f"{one['journey']}: stage {one['stage']}, {place}{', paused' if one['paused'] else ''}"))
        table = Table("When (the customer's clock)", "What", "Where", box=None, pad_edge=False)
        for action in one["actions"]:
            table.add_row(Text(action["local"]), Text(_next(action)), Text(action["step"] or action["stage"]))
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
