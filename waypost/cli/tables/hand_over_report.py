"""Notes to colleagues, in a terminal: a line for each step, with its answers and how soon they came."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import wrapping_table

COUNTS = ("sent", "taken", "done", "not_interested", "unanswered")
TIMES = {"p25_hours": "A quarter within", "median_hours": "Half within", "p75_hours": "Three quarters within"}
FIGURES = (*(one.replace("_", " ").capitalize() for one in COUNTS), "Answered", *TIMES.values())


def print_hand_overs(console: Console, found: Mapping[str, Any]) -> None:
    """The lines of the report, and what there is to say."""
    table = wrapping_table("Journey", "Step", *FIGURES, figures=FIGURES)
    for one in found["hand_overs"]:
        took, share = one["time_to_answer"], one["answered"]
        times = (f"{took[name]:,.1f} h" if took else "" for name in TIMES)
        counts = (f"{one[name]:,}" for name in COUNTS)
        cells = (one["journey"], one["step"], *counts, f"{share['rate']:.0%} of {share['n']:,}", *times)
        table.add_row(*(Text(cell) for cell in cells))
    if found["hand_overs"]:
        console.print(table)
    console.print(Text(found["told"]))
