"""The books of the messages in a terminal: a row for each journey and broadcast, each reason with its count."""

from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.text import Text

from waypost.cli.terminal import wrapping_table
from waypost.doctor.standing_still import standing_still

PEOPLE = ("Entered", "Live", "Ended")
MAILS = ("Planned", "Accepted", "Failed", "Skipped", "Waiting", "Unsure")


def print_books(console: Console, found: dict[str, Any]) -> None:
    """Whether the books balance, what was counted, and each difference by its name."""
    table = wrapping_table("", *PEOPLE, *MAILS, figures=(*PEOPLE, *MAILS))
    for book in found["journeys"]:
        enrollments = (book["entered"], book["live"], sum(book["ended"].values()))
        table.add_row(Text(book["journey"]), *(f"{count:,}" for count in (*enrollments, *_mails(book["messages"]))))
    for book in found["broadcasts"]:
        name = Text(f"broadcast {book['broadcast']}")
        table.add_row(name, "", "", "", *(f"{count:,}" for count in _mails(book["messages"])))
    console.print(table)
    for book in (*found["journeys"], *found["broadcasts"]):
        _print_reasons(console, book)
    _print_differences(console, "revenue", found["revenue"]["differences"])
    if found["outbox"]:
        console.print(f"The outbox received {found['outbox']['received']:,} mails, {found['outbox']['twice']} twice.")
    for told in standing_still(found):
        console.print("[yellow]![/] ", end="")
        console.print(Text(told))
    if found["balanced"]:
        console.print("[green]✓[/] The books balance.")


def _mails(mails: Mapping[str, Any]) -> tuple[int, ...]:
    return (
        mails["planned"], mails["accepted"], sum(mails["failed"].values()), sum(mails["skipped"].values()),
        mails["waiting"], mails["unknown"] + mails["parked"],
    )  # fmt: skip


def _print_reasons(console: Console, book: Mapping[str, Any]) -> None:
    key = book.get("journey") or book["broadcast"]
    whys = {
        "ended": book.get("ended", {}),
        "failed": book["messages"]["failed"],
        "skipped": book["messages"]["skipped"],
    }
    for what, reasons in whys.items():
        if reasons:
            told = ", ".join(f"{reason or 'without a reason'} {count:,}" for reason, count in sorted(reasons.items()))
            console.print(Text(f"{key}, {what}: {told}"))
    _print_differences(console, key, book["differences"])


def _print_differences(console: Console, key: str, differences: Mapping[str, int]) -> None:
    for name, count in differences.items():
        console.print("[red]✗[/] ", end="")
        console.print(Text(f"{key}: {count:,} {name.replace('_', ' ')}"))


def print_check(console: Console, found: Mapping[str, Any], *, repairs: bool) -> None:
    """What the last check has found of each kind: what was repaired, and what a repair would do where that is asked."""
    for one in (found["last_check"] or {"differences": ()})["differences"]:
        if one["repaired"]:
            console.print(Text(f"✓ {one['place']}: {one['repaired']:,} × {one['kind']} repaired: {one['repair']}"))
        left = one["count"] - one["repaired"]
        if left and repairs:
            what = one["repair"] or "nothing: a person has to look"
            console.print(Text(f"{one['place']}: {left:,} × {one['kind']}: {what}; add --yes to do it"))
