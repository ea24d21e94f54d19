"""What a fit of the value of customers says, for people."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text

from value.report import ValueReport

FIFTHS = ("least often", "2", "3", "4", "most often")
"""Columns of recency by frequency."""


def print_report(console: Console, report: ValueReport) -> None:
    """Both fits, and how well the first foretells."""
    _print_fit(console, report.as_json())


def print_value(console: Console, found: Mapping[str, Any]) -> None:
    """The installation's last fit and its customers in fifths; what refuses one is said."""
    if found["refusal"]:
        console.print(Text(f"No fit: {found['refusal']}."))
    if found["fit"]:
        console.print(Text(f"Fitted at {found['fitted_at']}; money in {found['currency']}"))
        _print_fit(console, found)
    grid = found["grid"]
    if not grid or not any(map(any, grid)):
        return
    table = Table("Bought last", *FIFTHS, title="Customers by their fifths", title_justify="left")
    for place, row in sorted(enumerate(grid), reverse=True):
        told = {len(grid) - 1: "most lately", 0: "longest ago"}.get(place, str(place + 1))
        table.add_row(told, *(f"{count:,}" for count in row))
    console.print(table)


def _print_fit(console: Console, found: Mapping[str, Any]) -> None:
    fit, money, calibration = found["fit"], found["money"], found["calibration"]
    console.print(f"{found['customers']:,} customers, {found['repeat_orders']:,} repeat orders", highlight=False)
    console.print(
        f"orders (BG/NBD, per week): r {fit['r']:.3f}  alpha {fit['alpha']:.3f}  a {fit['a']:.3f}  b {fit['b']:.3f}  "
        f"log-likelihood {fit['log_likelihood']:,.1f}",
        highlight=False,
    )
    if money is None:
        console.print("money: too few repeat orders have an amount")
    else:
        console.print(
            f"money (gamma-gamma): p {money['p']:.2f}  q {money['q']:.2f}  gamma {money['gamma']:.2f}  "
            f"over {money['customers']:,} customers",
            highlight=False,
        )
    if calibration is None:
        console.print("there is too little time to hold the fit against")
    else:
        _print_calibration(console, calibration)


def _print_calibration(console: Console, found: Mapping[str, Any]) -> None:
    off = f", off by {found['error']:+.1%}" if found["error"] is not None else ""
    console.print(
        f"learnt up to {found['learnt_until']}; from then to {found['until']} "
        f"{found['expected']:,.0f} orders were expected and {found['came']:,} came{off}",
        highlight=False,
    )
    table = Table("Repeat orders before", "Customers", "Expected", "Came")
    for one in found["kinds"]:
        more = " and more" if one is found["kinds"][-1] else ""
        figures = (f"{one['customers']:,}", f"{one['expected']:,.1f}", f"{one['came']:,}")
        table.add_row(f"{one['repeat_orders']}{more}", *figures)
    console.print(table)
