"""Reports as they are typed: `report`."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console


class Every(StrEnum):
    """How long a line of the series is."""

    day = "day"
    week = "week"
    month = "month"


def register(app: typer.Typer) -> None:
    """Put the command of this module on the command line."""
    app.command()(report)


def report(
    journey: Annotated[str | None, typer.Argument(help="A journey; without it the lifecycle.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-03-02.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day; without it today.")] = None,
    by: Annotated[Every, typer.Option(help="A line for each day, week or month.")] = Every.week,
    as_json: JsonFlag = False,
) -> None:
    """How a journey went: who stood in which stage when each period closed, who came, moved and left."""
    from waypost.cli.tables.lifecycle import print_series

    with api_client() as waypost:
        found = waypost.lifecycle(journey, since=since, until=until, by=by.value)
    if as_json:
        print(json.dumps(found))
    else:
        print_series(console, found)
