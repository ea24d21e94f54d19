"""The books as they are typed: `reconcile` proves that they balance, tells each difference, and repairs it."""

import json
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console, fail

if TYPE_CHECKING:
    from waypost.client import Waypost

TAKEN_WITHIN = 60.0
"""Seconds until somebody has begun with what was asked for; after that no worker runs."""


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(reconcile)


def reconcile(
    journey: Annotated[str | None, typer.Option(help="The books of one journey; else all.")] = None,
    quick: Annotated[bool, typer.Option(help="Compare the kept counts alone: no rows, no Temporal.")] = False,
    repair: Annotated[bool, typer.Option("--repair", help="Show what a repair would do; with --yes do it.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Repair it.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="The books for a spreadsheet.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Prove that the books balance: no customer lost, no mail lost, each difference by name (exit status 1)."""
    from waypost.cli.tables import books

    if yes and not repair:
        fail("--yes says that a repair is to be done: add --repair")
    with api_client() as waypost:
        if not quick:
            _compare(waypost, repair=repair and yes)
        found = cast(dict[str, Any], waypost.reconciliation(journey, recount=not quick))
        if as_json:
            typer.echo(json.dumps(found))
        elif csv:
            typer.echo(waypost.report_as("csv", "reconciliation", journey=journey, recount=not quick), nl=False)
        else:
            books.print_books(console, found)
            books.print_check(console, found, repairs=repair)
        if not found["balanced"]:
            raise typer.Exit(1)


def _compare(waypost: "Waypost", *, repair: bool) -> None:
    """Ask for it, and wait until it is done."""
    from time import monotonic

    began = monotonic()
    for shown in waypost.watch(waypost.reconcile(repair=repair)["id"]):
        if shown["status"] == "queued" and monotonic() - began > TAKEN_WITHIN:
            fail("no worker has begun with it; is one running (`waypost doctor`)? --quick needs none")
        if shown["status"] == "failed":
            fail(f"the check failed: {shown['error']}")
