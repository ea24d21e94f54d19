"""What is kept, as it is typed: `export CUSTOMER`; and `export events`, `messages`, `decisions` for a warehouse."""

import csv
import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import typer

from readers import dates
from waypost.cli.arguments import CustomerArgument
from waypost.cli.command_groups import group_that_means
from waypost.cli.terminal import api_client

CUSTOMER = "customer"
"""What is meant where no kind is named: `export ann@example.com`."""

KINDS = {
    "events": "Events, in the order in which they came, each once.",
    "messages": "Mails, as they stand; one that has changed since comes again.",
    "decisions": "Decisions, in the order in which they were kept, each once.",
}

AT_ONCE = 500
"""Lines behind which the cursor is kept: so many come twice, at most, where a run is broken off."""

ChangedSinceOption = Annotated[
    str | None, typer.Option(help="What came, or changed, on this day (UTC) or at this instant, or later.")
]
AfterOption = Annotated[str | None, typer.Option(help="The cursor of the last line that you have.")]
CursorFileOption = Annotated[
    Path | None, typer.Option(help="A file that keeps the cursor from run to run.", dir_okay=False)
]
TableFlag = Annotated[bool, typer.Option("--csv", help="A table instead of a line of JSON for each.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    group = typer.Typer(
        help="Everything about a customer; or all events, mails or decisions for a warehouse.",
        cls=group_that_means(CUSTOMER),
    )
    group.command(CUSTOMER)(export_customer)
    for kind, told in KINDS.items():
        group.command(kind, help=told)(_of_kind(kind))
    app.add_typer(group, name="export")


def export_customer(customer: CustomerArgument) -> None:
    """Everything that is kept about a customer, as JSON. One whose id is `events` is `export customer events`."""
    with api_client() as waypost:
        typer.echo(json.dumps(waypost.export(customer), indent=2))


def _of_kind(kind: str) -> Callable[..., None]:
    def export(
        since: ChangedSinceOption = None,
        after: AfterOption = None,
        cursor_file: CursorFileOption = None,
        csv: TableFlag = False,
    ) -> None:
        kept = cursor_file.read_text().strip() if cursor_file is not None and cursor_file.exists() else ""
        with api_client() as waypost:
            lines = waypost.exported(
                kind, after=after or kept or None, since=_instant(since), form="csv" if csv else "ndjson"
            )
            for cursor in _written(lines, csv):
                if cursor_file is not None:
                    _keep(cursor_file, cursor)

    return export


def _instant(given: str | None) -> str | None:
    """An instant of ISO 8601, as the API asks for it; a day begins in UTC."""
    if given is None:
        return None
    read = dates.read(given)
    if read is None:
        raise typer.BadParameter(f"{given!r} is no day and no instant; write {dates.WRITTEN}", param_hint="--since")
    said = read.isoformat()
    return said if len(said) > 19 else f"{said[:10]}{said[10:] or 'T00:00:00'}+00:00"


def _written(lines: Iterable[Mapping[str, Any]], as_csv: bool) -> Iterator[str]:
    """The cursor behind each batch, once whoever reads has it."""
    table, begun = csv.writer(sys.stdout), False
    ahead = iter(lines)
    while batch := list(islice(ahead, AT_ONCE)):
        for line in batch:
            if not as_csv:
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
                continue
            if not begun:
                table.writerow(line)
            begun = True
            table.writerow(line.values())
        sys.stdout.flush()
        yield batch[-1]["cursor"]


def _keep(file: Path, cursor: str) -> None:
    """All of it or nothing, so that a run that is broken off leaves the cursor of before."""
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(f"{cursor}\n")
    beside.replace(file)
