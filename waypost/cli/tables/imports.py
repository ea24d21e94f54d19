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
    print_errors(shown["errors"][:20], shown["error_count"], "would not be imported")


def print_errors(errors: Sequence[Mapping[str, Any]], count: int, what: str) -> None:
    """The first lines that are wrong, and how many there are."""
    for error in errors:
        complaints.print(f"[yellow]line {error['line']}[/]: ", end="")
        complaints.print(error["reason"], markup=False)
    if count:
        complaints.print(f"{count:,} line(s) {what}.")
