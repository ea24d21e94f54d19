"""What customers are worth: both models fitted to the orders of a file."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.errors import InvalidInput
from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import complaints, console, failures_as_sentences


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(value)


def value(
    events: Annotated[Path, typer.Option(exists=True, dir_okay=False, help="A file of events.")],
    until: Annotated[str | None, typer.Option(help="Learn up to the end of this UTC day; else of all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Fit how often customers order and what for (BG/NBD and gamma-gamma), and say how well it foretells.

    Times are weeks; orders of one UTC day are one. What the file holds behind --until is what the fit is held against.
    """
    from services.imports.histories import order_files
    from services.imports.histories.event_histories import LineErrors
    from services.values import Rejected, instant
    from value import report
    from value.numerics import CannotFit
    from waypost.cli.tables import value as table

    with failures_as_sentences():
        errors = LineErrors()
        everybody = order_files.days_of_orders(events, datetime.now(UTC), errors)
        if errors.count:
            first = errors.first[0]
            told = f"{errors.count} lines were not read; line {first.line}: {first.reason}"
            complaints.print(told, markup=False, highlight=False)
        if not everybody:
            raise InvalidInput(f"{events} holds no orders")
        try:
            last = instant(until, "--until").date() if until else max(max(days) for days in everybody)
            made = report.make(everybody, last)
        except (CannotFit, Rejected) as refused:
            raise InvalidInput(str(refused)) from None
        if as_json:
            typer.echo(json.dumps(made.as_json()))
        else:
            table.print_report(console, made)
