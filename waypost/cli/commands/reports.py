"""Reports as they are typed: `report`, and `funnel`, `cohorts`, `lift`, `mails`, `hand-overs` below it."""

import json
from enum import StrEnum
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.command_groups import group_that_means
from waypost.cli.commands.hand_over_report import hand_overs
from waypost.cli.commands.mail_report import mails
from waypost.cli.commands.silence_report import silences
from waypost.cli.commands.survey_report import surveys
from waypost.cli.commands.value_report import value
from waypost.cli.terminal import api_client, console, counting

LIFECYCLE = "lifecycle"
"""The report that is shown where none is named."""


class Every(StrEnum):
    """How long a line of the series is."""

    day = "day"
    week = "week"
    month = "month"


class CohortEvery(StrEnum):
    """How long a row of the triangle is."""

    week = "week"
    month = "month"


class BrokenDownBy(StrEnum):
    """By what a funnel is broken down."""

    month = "month"
    source = "source"
    segment = "segment"
    variant = "variant"
    version = "version"


CsvFlag = Annotated[bool, typer.Option("--csv", help="For a spreadsheet.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    reports = typer.Typer(
        help="How it went: the lifecycle over time, funnels, cohorts, lift, what mails are worth, hand-overs, "
        "surveys, silences, what customers are worth.",
        cls=group_that_means(LIFECYCLE),
    )
    reports.command(LIFECYCLE)(report)
    reports.command()(funnel)
    reports.command()(cohorts)
    reports.command()(lift)
    reports.command()(mails)
    reports.command()(hand_overs)
    reports.command()(surveys)
    reports.command()(silences)
    reports.command()(value)
    app.add_typer(reports, name="report")


SinceOption = Annotated[str | None, typer.Option("--since", help="The first day, such as 2026-03-02.")]
UntilOption = Annotated[str | None, typer.Option("--until", help="The last day; without it today.")]
WhoseStagesOption = Annotated[str | None, typer.Option(help="Whose stages are meant; without it the lifecycle's.")]


def report(
    journey: Annotated[str | None, typer.Argument(help="A journey; without it the lifecycle.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first day, such as 2026-03-02.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last day; without it today.")] = None,
    by: Annotated[Every, typer.Option(help="A line for each day, week or month.")] = Every.week,
    csv: CsvFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """How a journey went: who stood in which stage when each period closed, who came, moved and left."""
    from waypost.cli.tables.lifecycle import print_series

    with api_client() as waypost:
        if csv:
            asked = {"journey": journey, "from": since, "to": until, "by": by.value, "table": "series.periods"}
            return print(waypost.report_as("csv", "lifecycle", **asked), end="")
        found = waypost.lifecycle(journey, since=since, until=until, by=by.value)
    if as_json:
        print(json.dumps(found))
    else:
        print_series(console, found)


def funnel(
    chain: Annotated[
        list[str], typer.Argument(help='Two or more, in order: "event:Signed Up", stage:onboarding, entry.')
    ],
    within: Annotated[str | None, typer.Option(help='Of the whole chain, such as "14 days".')] = None,
    by: Annotated[BrokenDownBy | None, typer.Option(help="Broken down by this, too.")] = None,
    split: Annotated[str | None, typer.Option(help="The split whose variants are told apart.")] = None,
    journey: WhoseStagesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    csv: CsvFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """How many come from one milestone to the next, how fast, and where the others stand now."""
    from waypost.cli.tables import funnels

    if len(chain) < 2:
        raise typer.BadParameter("name two milestones or more")
    with api_client() as waypost, counting() as told:
        found = waypost.funnel(
            chain, on_progress=told, within=within, by=by, split=split, journey=journey, since=since, until=until
        )
    if as_json:
        print(json.dumps(found))
    elif csv:
        print(funnels.funnel_csv(found), end="")
    else:
        funnels.print_funnel(console, found)


def cohorts(
    first: Annotated[
        str | None, typer.Argument(help='What begins a cohort: "event:Signed Up", stage:core; without it the entry.')
    ] = None,
    returning: Annotated[str | None, typer.Option(help="The event by which somebody comes back.")] = None,
    by: Annotated[CohortEvery, typer.Option(help="A row for each week or month.")] = CohortEvery.month,
    journey: WhoseStagesOption = None,
    since: SinceOption = None,
    until: UntilOption = None,
    csv: CsvFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """Who comes back: of those who began in a month or week, how many in each one after it."""
    from waypost.cli.tables import funnels

    with api_client() as waypost, counting() as told:
        found = waypost.cohorts(
            on_progress=told, first=first, returning=returning, by=by.value, journey=journey, since=since, until=until
        )
    if as_json:
        print(json.dumps(found))
    elif csv:
        print(funnels.cohorts_csv(found), end="")
    else:
        funnels.print_cohorts(console, found)


def lift(
    event: Annotated[str | None, typer.Option(help="What converts; without it any order.")] = None,
    since: Annotated[
        str | None, typer.Option("--from", help="The first day; without it since the control group has been as large.")
    ] = None,
    csv: CsvFlag = False,
    as_json: JsonFlag = False,
) -> None:
    """What marketing mail brings about: the control group beside everybody else, with how sure that is."""
    from waypost.cli.tables import lift as tables

    with api_client() as waypost, counting() as told:
        found = waypost.lift(event, since=since, on_progress=told)
    if as_json:
        print(json.dumps(found))
    elif csv:
        print(tables.lift_csv(found), end="")
    else:
        tables.print_lift(console, found)
