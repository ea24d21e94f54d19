"""Events from files as they are typed: `ingest` sends them as if they happened now, `import` takes in what is past."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import FileArgument, JsonFlag
from waypost.cli.terminal import complaints, console, failures_as_sentences, parts, progress_bar


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(ingest)
    app.command("import")(import_command)


def ingest(file: FileArgument, as_json: JsonFlag = False) -> None:
    """Send the events of a file (NDJSON in Segment's shape) as if they happened now.

    For what happened long ago there is `waypost import`, which mails nobody.
    """
    from waypost.client.installation import client
    from waypost.project import send_events

    with failures_as_sentences(), client() as waypost:
        taken = send_events.ingest(waypost, file)
        if as_json:
            typer.echo(json.dumps({"events": taken.events, "consents": taken.consents, "rejected": taken.rejected}))
        else:
            console.print(f"[green]✓[/] {taken.events:,} events and {taken.consents:,} consents were taken")
            for one in taken.rejected[:20]:
                complaints.print(str(one), markup=False, highlight=False)
        if taken.rejected:
            raise typer.Exit(1)


def import_command(
    file: FileArgument,
    journey: Annotated[str | None, typer.Option(help="Place the customers in this journey.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Import events (NDJSON in Segment's shape, or CSV) and place the customers where their history puts them."""
    from waypost.cli import import_with_progress

    with failures_as_sentences(), parts() as made:
        with progress_bar(shown=not as_json, transient=False) as bar:
            done = import_with_progress.run(made, file, journey, bar)
        if as_json:
            print(json.dumps(done))
        else:
            console.print(
                f"[green]✓[/] {done['customers']:,} customers, {done['events']:,} new events, "
                f"{done['enrolled']:,} enrolled, {done['repeated']:,} known already"
            )
            for error in done["errors"][:20]:
                complaints.print(f"[yellow]line {error['line']}[/]: ", end="")
                complaints.print(error["reason"], markup=False)
        if done["error_count"]:
            complaints.print(f"{done['error_count']:,} line(s) were not imported.")
            raise typer.Exit(1)
