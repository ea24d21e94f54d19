"""Funnels and cohorts in a terminal, and as CSV for a spreadsheet."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.tables.csv_text import csv_text
from waypost.cli.terminal import wrapping_table

FIGURES = ("Customers", "Of all", "95%", "Of the step before", "A quarter", "Half", "Three quarters", "Time left")
COLUMNS = (
    "group", "step", "customers", "of_all", "of_all_low", "of_all_high", "of_all_n", "of_previous", "of_previous_n",
    "p25_days", "median_days", "p75_days", "rest", "open",
)  # fmt: skip
"""Of the CSV of a funnel; the group is empty for everybody together."""


def print_funnel(console: Console, found: Mapping[str, Any]) -> None:
    """The whole chain, then each group, then where the rest stands, and the sentence."""
    for group in [None, *found["groups"]]:
        steps = found["steps"] if group is None else group["steps"]
        if group is not None:
            console.print(Text(f"{found['by']}: {group['group']}", style="bold"))
        table = wrapping_table("Step", *FIGURES, figures=FIGURES)
        for one in steps:
            table.add_row(*_row(one))
        console.print(table)
    for one in found["steps"]:
        if one["rest"]:
            console.print(Text(f"{one['rest']:,} stopped at {one['step']}; they stand now: {_stand(one['stand'])}"))
    console.print(Text(f"{found['told']} Days are those of {found['zone']}."))


def _row(one: Mapping[str, Any]) -> Iterator[Text]:
    share, before, took = one["of_all"], one["of_previous"], one["took"]
    yield Text(one["step"])
    yield Text(f"{one['customers']:,}")
    yield Text(_percent(share["rate"]))
    yield Text(f"{share['low']:.1%} to {share['high']:.1%}")
    yield Text(f"{_percent(before['rate'])} of {before['n']:,}")
    for name in ("p25_days", "median_days", "p75_days"):
        yield Text(f"{took[name]:,.1f} days" if took else "")
    yield Text(f"{one['open']:,}")


def _percent(rate: float | None) -> str:
    return "" if rate is None else f"{rate:.1%}"


def _stand(stand: Mapping[str, Any]) -> str:
    places = [f"{stage} {count:,}" for stage, count in stand["stages"].items()]
    places += [f"ended ({reason}) {count:,}" for reason, count in stand["ended"].items()]
    places += [f"outside {stand['outside']:,}"] if stand["outside"] else []
    return ", ".join(places)


def print_cohorts(console: Console, found: Mapping[str, Any]) -> None:
    """The triangle, with all cohorts together at its end; a share that can still grow has a +."""
    widest = max((len(one["periods"]) for one in found["cohorts"]), default=0)
    titles = [f"{found['by'].capitalize()} {number}" for number in range(widest)]
    table = wrapping_table("From", "Customers", *titles, figures=("Customers", *titles))
    for one in found["cohorts"]:
        shares = [f"{_percent(each['rate'])}{'+' if each['running'] else ''}" for each in one["periods"]]
        table.add_row(Text(one["from"]), Text(f"{one['customers']:,}"), *map(Text, shares))
    if found["all"]:
        known = {each["number"]: f"{_percent(each['rate'])} of {each['n']:,}" for each in found["all"]}
        together = [known.get(number, "") for number in range(widest)]
        table.add_row(Text("all"), Text(f"{found['customers']:,}"), *map(Text, together))
    if found["cohorts"]:
        console.print(table)
    console.print(Text(f"{found['told']} Days are those of {found['zone']}."))


def funnel_csv(found: Mapping[str, Any]) -> str:
    """A line for each step, of everybody together and of each group."""
    groups = [("", found["steps"]), *((one["group"], one["steps"]) for one in found["groups"])]
    return csv_text(COLUMNS, (_line(group, one) for group, steps in groups for one in steps))


def _line(group: str, one: Mapping[str, Any]) -> Sequence[Any]:
    share, before, took = one["of_all"], one["of_previous"], one["took"] or {}
    durations = (took.get(name) for name in ("p25_days", "median_days", "p75_days"))
    shares = (share["rate"], share["low"], share["high"], share["n"], before["rate"], before["n"])
    return (group, one["step"], one["customers"], *shares, *durations, one["rest"], one["open"])


def cohorts_csv(found: Mapping[str, Any]) -> str:
    """A line for each cell of the triangle."""
    names = ("from", "to", "customers", "period", "count", "rate", "low", "high", "running")
    return csv_text(
        names,
        (
            (one["from"], one["to"], one["customers"], *(each[name] for name in ("number", *names[4:])))
            for one in found["cohorts"]
            for each in one["periods"]
        ),
    )
