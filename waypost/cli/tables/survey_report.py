"""Answers to surveys, in a terminal: a line for each survey, and for each stage whose mails asked."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import wrapping_table

FIGURES = ("Answers", "Mean", "Net score", "95%")


def print_surveys(console: Console, found: Mapping[str, Any]) -> None:
    """The lines of the report, and what there is to say."""
    table = wrapping_table("Survey", "Journey", "Version", "Stage", *FIGURES, "Classes", figures=FIGURES)
    for one in found["surveys"]:
        net = one["net"]
        place = ("all", "", "") if one["journey"] is None else (one["journey"], str(one["version"]), one["stage"])
        figures = (
            f"{one['answers']:,}",
            f"{one['mean']:.1f}",
            f"{net['score']:+.0f}" if net else "",
            f"{net['low']:+.0f} to {net['high']:+.0f}" if net else "",
        )
        classes = ", ".join(f"{name} {count:,}" for name, count in one["classes"].items())
        table.add_row(*(Text(cell) for cell in (one["survey"], *place, *figures, classes)))
    if found["surveys"]:
        console.print(table)
    console.print(Text(found["told"]))
