"""`waypost simulate` and `waypost backtest` as they are typed; what they do is imported when they run."""

from pathlib import Path
from typing import Annotated

import typer

from waypost.cli.terminal import File, JsonFlag, told

Until = Annotated[str | None, typer.Option(help="The last instant, ISO 8601; without a zone it is UTC.")]
Events = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="An event file, NDJSON or CSV.")]
Pictures = Annotated[Path | None, typer.Option(file_okay=False, help="A folder to write SVG pictures into.")]


def rehearsals(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(simulate)
    app.command()(backtest)


def simulate(
    file: File,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An attribute, as plan=team (JSON or text).")] = None,
    event: Annotated[list[str] | None, typer.Option(help="What happens when, as '3 days: Order Completed'.")] = None,
    start: Annotated[str | None, typer.Option(help="When it begins, ISO 8601 (default: now).")] = None,
    days: Annotated[float, typer.Option(help="For how many days.", min=0.01, max=36_500)] = 90,
    cohort: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A file of customers.")] = None,
    pictures: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Follow one made-up customer (or a cohort) through a journey file.

    The customer enters at once; --event may be given several times. With --cohort everybody in the file does, with the
    attributes of their identify lines and the events of their track lines.
    """
    from waypost.simulation import simulations

    with told():
        simulations.simulate(file, sets or [], event or [], start, days, cohort, pictures, as_json)


def backtest(
    file: File,
    events: Events = None,
    begin: Annotated[str | None, typer.Option("--from", help="Use the store's events from this instant on.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Use the store's events up to this instant.")] = None,
    until: Until = None,
    against: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Another version.")] = None,
    pictures: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay recorded events through a journey file: stages, movements, mails, and what would be skipped and why.

    Events come from a file, or from this installation's store. Nothing is stored and nobody is written to.
    """
    from waypost.simulation import simulations

    with told():
        simulations.backtest(file, events, (begin, to, until), against, pictures, as_json)
