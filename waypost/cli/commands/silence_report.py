"""What has stopped happening, as it is typed: `report silences`."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console


def silences(
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with every figure.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """What has stopped happening: events that do not come, journeys that send nothing, names that look misspelt."""
    with api_client() as waypost:
        if csv:
            return print(waypost.report_as("csv", "silences"), end="")
        found = waypost.silences()
    if as_json:
        return print(json.dumps(found))
    for one in found["silences"]:
        console.print(one["told"], markup=False)
    console.print(found["told"], markup=False)
