"""`waypost doctor` as it is typed; what it does is imported when it runs."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import console, failures_as_sentences

if TYPE_CHECKING:
    from waypost.doctor.findings import Finding


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command()(doctor)


def doctor(
    what: Annotated[
        Literal["all", "mail"], typer.Argument(help="`mail`: whether mailbox providers will take our mail")
    ] = "all",
    selector: Annotated[
        list[str] | None, typer.Option(help="mail: a DKIM selector of your provider; may be repeated")
    ] = None,
    nameserver: Annotated[str | None, typer.Option(help="mail: ask this name server, as 9.9.9.9 or host:port")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Say what is missing or wrong, and what to do about it."""
    with failures_as_sentences():
        _tell_findings(_findings(what, selector or [], nameserver), as_json)


def _findings(what: str, selectors: list[str], nameserver: str | None) -> "Sequence[Finding]":
    from waypost.settings import Settings

    if what == "mail":
        from waypost.doctor import deliverability

        return deliverability.examine(Settings(), deliverability.resolver(nameserver), selectors)
    from waypost.doctor.installation import examine

    return examine(Settings())


def _tell_findings(findings: "Sequence[Finding]", as_json: bool) -> None:
    if as_json:
        typer.echo(json.dumps([{"check": one.check, "well": one.well, "text": one.text} for one in findings]))
    else:
        for one in findings:
            mark = {True: "[green]✓[/]", False: "[red]✗[/]", None: "[yellow]?[/]"}[one.well]
            console.print(f"{mark} {one.check:<16}", end="")
            console.print(one.text, markup=False, highlight=False)
    if not all(one.well for one in findings):
        raise typer.Exit(1)
