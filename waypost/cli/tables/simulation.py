"""A simulation in a terminal: the path of one enrollment, the numbers of many."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from journeys.simulation.backtest import SimulatedEnrollment, Totals
from journeys.simulation.paths import path
from waypost.cli.terminal import wrapping_table


def print_path(console: Console, enrollment: SimulatedEnrollment) -> None:
    """The path as a table."""
    table = wrapping_table("When (UTC)", "What", "Where", "Why")
    for at, what, stage, step, detail in path(enrollment):
        table.add_row(f"{at:%Y-%m-%d %H:%M}", what, Text(step or stage), Text(_why(what, detail)))
    console.print(table)
    state = enrollment.trace.state
    if state.ended:
        console.print(Text(f"Ended: {state.reason}", "bold"))
    else:
        wakes = f"; acts by itself at {state.wakes_at:%Y-%m-%d %H:%M} UTC" if state.wakes_at else ""
        console.print(Text(f"Stands in {state.stage}, {state.position or 'behind the last step'}{wakes}", "bold"))


def _why(what: str, detail: Mapping[str, Any]) -> str:
    if what == "asked":
        return "; ".join(_verdict(one) for one in detail["guards"])
    if what == "moved":
        cause = "its guard alone" if detail["cause"] == "when" else detail.get("event") or detail["cause"]
        return f"→ {detail['to']}, by {cause}"
    return ", ".join(str(value) for key, value in detail.items() if key not in ("seq", "at"))


def _verdict(asked: Mapping[str, Any]) -> str:
    seen = ", ".join(f"{name} = {value}" for name, value in asked["seen"].items())
    return f"{asked['guard']} is {str(asked['holds']).lower()}" + (f" ({seen})" if seen else "")


def print_totals(console: Console, totals: Totals, second: Totals | None = None) -> None:
    """The numbers, a column for each version."""
    both = (totals, second) if second else (totals,)
    console.print(Text(f"{totals.customers:,} customers, {totals.enrolled:,} enrollments", "bold"))
    for title, name in (
        ("Stage at the end", "stages"), ("Ended", "ended"), ("Mail", "messages"), ("Skipped", "skipped"),
        ("Deferred", "deferred"), ("Not entered", "refused"),
    ):  # fmt: skip
        counters = [getattr(one, name) for one in both]
        keys = sorted({key for counter in counters for key in counter}, key=lambda key: (-counters[0][key], key))
        if keys:
            _table(console, title, [(key, [counter[key] for counter in counters]) for key in keys], bool(second))
    moves = sorted({key for one in both for key in one.movements}, key=lambda key: (-totals.movements[key], key))
    rows = [
        (f"{source or '(entry)'} → {target}", [one.movements[source, target] for one in both])
        for source, target in moves
    ]
    _table(console, "Movement", rows, bool(second))


def _table(console: Console, title: str, rows: Sequence[tuple[str, list[int]]], two: bool) -> None:
    figures = ("this", "against") if two else ("",)
    table = wrapping_table(title, *figures, figures=figures)
    table.columns[0].min_width = 34
    for key, counts in rows:
        table.add_row(Text(f"  {key}"), *(f"{count:,}" for count in counts))
    console.print(table)
    console.print()
