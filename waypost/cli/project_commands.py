"""`waypost new` and `waypost ingest` as they are typed; what they do is imported when they run."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from mail.brand import GREEN
from waypost.cli.terminal import File, JsonFlag, complaints, console, told


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(new)
    app.command()(ingest)


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    journey: Annotated[str, typer.Option(help="The example to begin with: lifecycle, saas_trial, …")] = "lifecycle",
    brand: Annotated[str | None, typer.Option(help="The name that mails show; else the folder's.")] = None,
    color: Annotated[str, typer.Option(help="The colour of buttons, as #0b6e4f.")] = GREEN,
    sender: Annotated[str | None, typer.Option(help="The address that mails come from.")] = None,
    site: Annotated[str | None, typer.Option(help="Your site, where buttons lead, as https://shop.example.")] = None,
    address: Annotated[str | None, typer.Option(help="The postal address at the foot of every mail.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a project of your own: brand settings, a journey from the examples, its mails, and events to try it with."""
    from waypost.project import new_project

    with told():
        name = brand or folder.resolve().name.replace("-", " ").replace("_", " ").title()
        identity = new_project.checked(brand=name, color=color, sender=sender, site=site, address=address)
        files = new_project.create(folder, journey, identity, datetime.now(UTC).date())
        if as_json:
            return typer.echo(json.dumps({"folder": str(folder), "files": [str(one) for one in files]}))
        console.print(f"[green]✓[/] {len(files)} files in {folder}: the journey {journey}, its mails, sample events")
        console.print("\nWhat to type next:\n")
        for command, meaning in ((f"cd {folder}", ""), *new_project.NEXT):
            console.print(f"  {command:<30} [dim]{meaning}[/]", highlight=False)
        console.print("\nThen look at the outbox: http://127.0.0.1:8000/outbox", highlight=False)


def ingest(file: File, as_json: JsonFlag = False) -> None:
    """Send the events of a file (NDJSON in Segment's shape) as if they happened now.

    For what happened long ago there is `waypost import`, which mails nobody.
    """
    from waypost.cli.api_client import client
    from waypost.project import send_events

    with told(), client() as waypost:
        taken = send_events.ingest(waypost, file)
        if as_json:
            typer.echo(json.dumps({"events": taken.events, "consents": taken.consents, "rejected": taken.rejected}))
        else:
            console.print(f"[green]✓[/] {taken.events:,} events and {taken.consents:,} consents were taken")
            for one in taken.rejected[:20]:
                complaints.print(str(one), markup=False, highlight=False)
        if taken.rejected:
            raise typer.Exit(1)
