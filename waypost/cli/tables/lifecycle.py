"""The lifecycle in a terminal: a line for each period, and how long customers stay in each stage."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import wrapping_table

STAYS = ("Stays", "A quarter", "Half", "Three quarters")


def print_series(console: Console, found: Mapping[str, Any]) -> None:
    """The series of a report on the lifecycle, and the quartiles of the time in each stage."""
    series = found.get("series")
    if series is None:
        console.print("There is no lifecycle journey; name a journey.")
        return
    standing = {stage for one in series["periods"] for stage in one["stages"]}
    stages = [one["stage"] for one in found["places"] if one["stage"] in standing]
    table = wrapping_table("From", "To", "Entered", "Ended", *stages, figures=("Entered", "Ended", *stages))
    for one in series["periods"]:
        ended = sum(one["ended"].values())
        counts = (one["entered"], ended, *(one["stages"].get(stage, 0) for stage in stages))
        table.add_row(Text(one["from"]), Text(one["to"]), *(Text(f"{count:,}") for count in counts))
    console.print(table)
    _print_stays(console, found["time_in_stage"])
    console.print(Text(f"{series['told']} Days are those of {series['zone']}."))


def _print_stays(console: Console, stays: Mapping[str, Any]) -> None:
    known = {stage: one for stage, one in stays.items() if one["n"]}
    if not known:
        return
    table = wrapping_table("Time in stage", *STAYS, figures=STAYS)
    for stage, one in known.items():
        days = (one["p25_days"], one["median_days"], one["p75_days"])
        table.add_row(Text(stage), Text(f"{one['n']:,}"), *(Text(f"{each:,.1f} days") for each in days))
    console.print(table)
