"""What customers answer to surveys, as it is typed: `report surveys`."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console


def surveys(
    survey: Annotated[str | None, typer.Option(help="One survey alone: nps, csat, ces or your own.")] = None,
    journey: Annotated[str | None, typer.Option(help="The answers to a journey's mails alone.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="For a spreadsheet, with every figure.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """What customers answer: each survey, then by journey, version and stage; NPS with its interval."""
    from waypost.cli.tables.survey_report import print_surveys

    with api_client() as waypost:
        if csv:
            return print(waypost.report_as("csv", "surveys", survey=survey, journey=journey), end="")
        found = waypost.surveys(survey, journey=journey)
    if as_json:
        print(json.dumps(found))
    else:
        print_surveys(console, found)
