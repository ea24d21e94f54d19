"""What customers are worth by the installation's own fit, as it is typed: `report value`."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console, counting


def value(
    now: Annotated[bool, typer.Option("--now", help="Fit anew first, instead of waiting for the night.")] = False,
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with every figure.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """What customers are worth: the last fit of their orders, how well it foretold, and recency by frequency."""
    from waypost.cli.tables.value import print_value

    with api_client() as waypost:
        if now:
            with counting() as told:
                waypost.fit_value(on_progress=told)
        if csv:
            return print(waypost.report_as("csv", "value"), end="")
        found = waypost.value()
    if as_json:
        print(json.dumps(found))
    else:
        print_value(console, found)
