"""Events from files as they are typed: `ingest` sends them as if they happened now, `import` takes in what is past."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from waypost.cli.arguments import FileArgument, JsonFlag
from waypost.cli.tables.imports import print_errors, print_left_alone, told_form, told_placing
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
    kind: Annotated[
        str, typer.Option(help="What it holds: events, customers, consents, enrollments, recipients or rates.")
    ] = "events",
    journey: Annotated[
        str | None, typer.Option(help="Place the customers who are not in this journey; enrollments: into which.")
    ] = None,
    broadcast: Annotated[str | None, typer.Option(help="Recipients: of which broadcast.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would become of it, and do nothing.")] = False,
    encoding: Annotated[str | None, typer.Option(help="If not as recognised, e.g. windows-1250.")] = None,
    delimiter: Annotated[str | None, typer.Option(help="If not as recognised: comma, semicolon, tab or pipe.")] = None,
    decimal: Annotated[str, typer.Option(help="Of numbers in cells: point or comma.")] = "point",
    dates: Annotated[str | None, typer.Option(help="In cells, beside ISO 8601: DD.MM.YYYY, MM/DD/YYYY, …")] = None,
    text: Annotated[list[str] | None, typer.Option(help="A column that holds texts; may be repeated.")] = None,
    number: Annotated[list[str] | None, typer.Option(help="A column that holds numbers; may be repeated.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Import a file (CSV, or NDJSON) and, of events, place the customers where their history puts them.

    With --journey whoever is not in that journey is placed from all that is known of them, and gets no mail for the
    past; who is in it already is left alone, counted and named. The same import again changes nothing.

    How it is written is recognised and said. A dry run shows what each column becomes, every error, and how many would
    be placed and left alone, before anything is done.
    """
    from services.imports.files import csv_and_ndjson
    from waypost.cli import import_by_api
    from waypost.client.installation import client

    with failures_as_sentences():
        format = csv_and_ndjson.format_of(file)
        written = {"format": format, "encoding": encoding, "delimiter": delimiter, "decimal": decimal,
                   "dates": dates, "text": text, "number": number}  # fmt: skip
        if kind == "events" and not dry_run:
            return _import_events(file, journey, written, as_json)
        with client() as waypost:
            by_api = import_by_api.preview if dry_run else import_by_api.run
            by_api(waypost, file, kind, {"journey": journey, "broadcast": broadcast, **written}, as_json)


def _import_events(file: Path, journey: str | None, written: Mapping[str, Any], as_json: bool) -> None:
    from services.imports.files.cells import CellForms
    from services.imports.files.file_form import FormRecognition
    from waypost.cli import import_with_progress

    cells = CellForms(
        decimal=written["decimal"],
        dates=written["dates"],
        texts=tuple(written["text"] or ()),
        numbers=tuple(written["number"] or ()),
    )
    recognition = FormRecognition(written["format"], written["encoding"], written["delimiter"], cells)
    with parts() as made:
        with progress_bar(shown=not as_json, transient=False) as bar:
            done = import_with_progress.run(made, file, recognition, journey, bar)
        if as_json:
            print(json.dumps(done))
        else:
            console.print(f"read as {told_form(done['file'])}", highlight=False)
            console.print(f"[green]✓[/] {told_placing(done)}")
            print_left_alone(done)
            print_errors(done["errors"][:20], done["error_count"], "were not imported")
        if done["error_count"]:
            raise typer.Exit(1)
