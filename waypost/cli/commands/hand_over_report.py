"""How customers are handed over to colleagues, as it is typed: `report hand-overs`."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console


def hand_overs(
    journey: Annotated[str | None, typer.Option(help="A journey's notes alone.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with every figure.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Notes to colleagues by step: how many were sent, how they were answered, and how soon."""
    from waypost.cli.tables.hand_over_report import print_hand_overs

    with api_client() as waypost:
        if csv:
            return print(waypost.report_as("csv", "hand-overs", journey=journey), end="")
        found = waypost.hand_overs(journey)
    if as_json:
        print(json.dumps(found))
    else:
        print_hand_overs(console, found)
