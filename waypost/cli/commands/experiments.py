"""Splits as experiments, as they are typed: `experiments`."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JourneyArgument, JsonFlag
from waypost.cli.terminal import api_client, console, fail


def register(app: typer.Typer) -> None:
    """Put the command of this module on the command line."""
    app.command()(experiments)


def experiments(
    key: JourneyArgument,
    winner: Annotated[str | None, typer.Option(help="SPLIT=VARIANT: close the experiment with this winner.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="A line for each variant, for a spreadsheet.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """What the variants of a journey's splits did, how sure that is, and whether one is better."""
    from waypost.cli.tables.experiments import print_experiment

    split, equals, variant = (winner or "").partition("=")
    if winner is not None and csv:
        fail("--csv shows what there is: close the experiment first, without it")
    if winner is not None and not (split and equals and variant):
        fail("--winner is written as tip-test=long")
    with api_client() as waypost:
        if winner is not None:
            found = [waypost.decide_split(key, split, variant)]
        elif csv:
            return print(waypost.journey_report_as("csv", key, "experiments.variants"), end="")
        else:
            found = waypost.journey_report(key)["experiments"]
    if as_json:
        print(json.dumps({"journey": key, "experiments": found}))
        return
    if not found:
        console.print(f"{key} has no split.")
    for one in found:
        print_experiment(console, one)
