"""`waypost import` of customers, consents, enrollments, recipients, and every dry run: by the API, as anybody may."""

import json
from collections.abc import Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import typer

from waypost.cli.tables.imports import print_errors, print_preview, told_form
from waypost.cli.terminal import complaints, console, progress_bar
from waypost.client import Waypost

SHOWN = 20
"""Wrong lines that are shown; all of them are at GET /v1/operations/{id}/errors."""

ImportOptions = Mapping[str, Any]
"""Where it goes, and how it is written as far as somebody said, by the names of the API's parameters."""


def preview(waypost: Waypost, file: Path, kind: str, asked: ImportOptions, as_json: bool) -> None:
    """Show what would become of a file; exit with status 1 where a line of it is wrong."""
    shown = waypost.preview_import(file, kind, **asked)
    typer.echo(json.dumps(shown)) if as_json else print_preview(shown)
    if shown["error_count"]:
        raise typer.Exit(1)


def run(waypost: Waypost, file: Path, kind: str, asked: ImportOptions, as_json: bool) -> None:
    """Import a file and watch it; exit with status 1 where it failed, or a line was not taken."""
    started = ended = waypost.import_file(file, kind, **asked)
    with progress_bar(shown=not as_json, transient=False) as bar:
        task = bar.add_task("Importing", total=started["total"])
        for ended in waypost.watch(started["id"]):
            bar.update(task, completed=ended["done"], total=ended["total"])
    errors = list(islice(waypost.operation_errors(started["id"]), SHOWN))
    if as_json:
        typer.echo(json.dumps({**ended, "errors": errors}))
    else:
        console.print(f"read as {told_form(ended['file'] or {})}", highlight=False)
        console.print(f"{ended['status']}: {_counts(ended['result'] or {})}", highlight=False)
        if ended["error"]:
            complaints.print(ended["error"], markup=False)
        print_errors(errors, ended["error_count"], "were not imported")
    if ended["status"] != "done" or ended["error_count"]:
        raise typer.Exit(1)


def _counts(result: Mapping[str, Any]) -> str:
    return ", ".join(f"{count:,} {name}" for name, count in result.items()) or "nothing"
