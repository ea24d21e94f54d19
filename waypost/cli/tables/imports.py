"""Imports in the terminal: how a file is written, what each column becomes, which lines are wrong."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.table import Table
from rich.text import Text

from waypost.cli.terminal import complaints, console


def told_form(form: Mapping[str, Any]) -> str:
    """How a file is written, in a line."""
    return ", ".join(
        str(said) for said in (form.get("format"), form["encoding"], form["delimiter"], form["line_ends"]) if said
    )


def print_preview(shown: Mapping[str, Any]) -> None:
    """What a dry run found."""
    console.print(f"{shown['kind']}, read as {told_form(shown['form'])}: {shown['records']:,} records", highlight=False)
    table = Table("Column", "Becomes", "Texts", "Numbers", "Empty", "")
    for one in shown["columns"]:
        counts = (f"{one[name]:,}" for name in ("texts", "numbers", "empty"))
        table.add_row(Text(one["column"]), Text(one["becomes"]), *counts, Text(one["hint"] or ""))
    console.print(table)
    for row in shown["rows"]:
        told = ", ".join(f"{name}={value!r}" for name, value in row["record"].items())
        console.print(Text(f"line {row['line']}: {told}"), soft_wrap=True)
    if shown.get("placing"):
        console.print(f"would come to {told_placing(shown['placing'])}", highlight=False)
        print_left_alone(shown["placing"])
    print_errors(shown["errors"][:20], shown["error_count"], "would not be imported")


def told_placing(done: Mapping[str, Any]) -> str:
    """What became of a file of events, in a line."""
    return (
        f"{done['customers']:,} customers, {done['events']:,} new events, "
        f"{done['enrolled']:,} enrolled, {done['repeated']:,} known already"
    )


def print_left_alone(done: Mapping[str, Any]) -> None:
    """How many customers were not placed since the journey has or had them already, and some of them by id."""
    why = {"are in the journey already": "already_enrolled", "were in it before and may not come again": "been_before"}
    told = [f"{done[count]:,} {what}" for what, count in why.items() if done.get(count)]
    if told:
        console.print(
            f"left alone: {', '.join(told)} (such as {', '.join(done['left_alone'])})", highlight=False, soft_wrap=True
        )


def print_errors(errors: Sequence[Mapping[str, Any]], count: int, what: str) -> None:
    """The first lines that are wrong, and how many there are."""
    for error in errors:
        complaints.print(f"[yellow]line {error['line']}[/]: ", end="")
        complaints.print(error["reason"], markup=False)
    if count:
        complaints.print(f"{count:,} line(s) {what}.")
