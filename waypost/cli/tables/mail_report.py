"""What mails are worth, in a terminal: a line for each kind, with its shares and what is credited to it."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from value import money
from waypost.cli.terminal import wrapping_table

NAMES = ("journey", "stage", "step", "broadcast", "template", "variant", "locale", "source")
SHARES = ("delivered", "opened", "clicked", "unsubscribed", "complained", "converted")
FIGURES = ("Sent", *(one.title() for one in SHARES), "Revenue")


def print_mails(console: Console, found: Mapping[str, Any], model: str) -> None:
    """The lines of a report on mails, with the revenue by one model, and what there is to say."""
    lines = found["mails"]
    names = [name for name in NAMES if any(one[name] for one in lines)]
    main = found["main"]
    figures = (*FIGURES, f"In {main['currency']}") if main else FIGURES
    table = wrapping_table(*(name.title() for name in names), *figures, figures=figures)
    for one in lines:
        shares = (_share(one[name]) for name in SHARES)
        cells = (*(one[name] or "" for name in names), f"{one['sent']:,}", *shares, _revenue(one["revenue"], model))
        cells = (*cells, _in_main(one["revenue_in_main"], model, main["currency"])) if main else cells
        table.add_row(*(Text(cell) for cell in cells))
    if lines:
        console.print(table)
    for one in found["orders"]:
        left_out = f", {one['without_amount']:,} without an amount" if one["without_amount"] else ""
        orders = f"{one['orders']:,} order{'s' * (one['orders'] != 1)} in {one['currency']}"
        amount, credited = (money.figure(one[name], one["currency"]) for name in ("amount", "credited"))
        told = f"{orders}: {amount}, credited {credited}"
        console.print(Text(told + left_out))
    console.print(Text(found["told"]))
    if main:
        console.print(Text(main["told"]))


def _share(one: Mapping[str, Any]) -> str:
    return f"{one['count']:,}" if not one["rate"] else f"{one['count']:,} ({one['rate']:.1%})"


def _revenue(credited: Any, model: str) -> str:
    return ", ".join(money.told(one[model], one["currency"]) for one in credited if one[model])


def _in_main(credited: Mapping[str, Any] | None, model: str, currency: str) -> str:
    return money.figure(credited[model], currency) if credited is not None else "a rate is missing"
