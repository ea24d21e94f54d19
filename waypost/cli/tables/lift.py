"""What marketing mail brings about, in a terminal and as CSV for a spreadsheet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.tables.csv_text import csv_text
from waypost.cli.tables.experiments import print_compared

SHARE = ("customers", "converted", "rate", "low", "high")
MONEY = ("currency", "paying", "per_customer", "low", "high")
COLUMNS = ("group", *SHARE, *MONEY[:3], "per_customer_low", "per_customer_high")
"""Of the CSV: a line for each group and currency."""


def print_lift(console: Console, found: Mapping[str, Any]) -> None:
    """Both groups, and what is said of them."""
    what = found["event"] or "any order"
    console.print(Text(f"Since {found['from']} ({found['zone']}), by {what}", style="bold"))
    print_compared(console, "Group", found["groups"], found["told"])


def lift_csv(found: Mapping[str, Any]) -> str:
    """A line for each group and currency; one alone where nobody of it spent anything."""
    return csv_text(COLUMNS, _lines(found["groups"]))


def _lines(groups: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Any]]:
    for one in groups:
        for money in one["revenue"] or [{}]:
            yield (one["variant"], *(one[name] for name in SHARE), *(money.get(name) for name in MONEY))
