"""Experiments in a terminal: a table for each split, and what it says in sentences."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from value import money
from waypost.cli.terminal import wrapping_table

FIGURES = ("Customers", "Converted", "Rate", "95%", "Best")


def print_experiment(console: Console, found: Mapping[str, Any]) -> None:
    """One split: its variants, and the sentences about them."""
    decided = f", decided: {found['winner']}" if found["winner"] else ""
    console.print(Text(f"{found['split']}{decided}", style="bold"))
    print_compared(console, "Variant", found["variants"], found["told"])


def print_compared(console: Console, what: str, those: Sequence[Mapping[str, Any]], told: Sequence[str]) -> None:
    """Variants (or groups) beside each other, and what is said of them."""
    table = wrapping_table(what, *FIGURES, "Per customer", figures=FIGURES)
    for one in those:
        table.add_row(*_row(one))
    if those:
        console.print(table)
    for sentence in told:
        console.print(Text(sentence))


def _row(one: Mapping[str, Any]) -> Iterator[Text]:
    yield Text(one["variant"] + (" (holdout)" if one["holdout"] else ""))
    yield Text(f"{one['customers']:,}")
    yield Text(f"{one['converted']:,}")
    yield Text("" if one["rate"] is None else f"{one['rate']:.1%}")
    yield Text(f"{one['low']:.1%} to {one['high']:.1%}")
    yield Text(f"{one['best']:.0%}")
    yield Text(", ".join(map(_worth, one["revenue"])))


def _worth(found: Mapping[str, Any]) -> str:
    currency = found["currency"]
    each, low, high = (money.figure(found[name], currency) for name in ("per_customer", "low", "high"))
    return f"{currency} {each} ({low} to {high})".strip()
