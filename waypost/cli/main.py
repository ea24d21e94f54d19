"""The command line. Exit status: 0 well, 1 refused or failed, 2 wrong usage.

A command imports what it alone needs when it runs: the API and the worker are started from here, and stay small.
"""

from typing import Annotated

import typer

from waypost import __version__
from waypost.cli.commands import (
    customers,
    doctor,
    events,
    hooks,
    journeys,
    keys,
    messages,
    processes,
    projects,
    simulations,
)
from waypost.cli.terminal import console
from waypost.process_end import end

app = typer.Typer(name="waypost", help="A self-hosted engine for the customer lifecycle.", no_args_is_help=True)
for group in (processes, projects, journeys, simulations, events, customers, messages, hooks, keys, doctor):
    group.register(app)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """A self-hosted engine for the customer lifecycle."""
    if version:
        console.print(__version__)
        raise typer.Exit


def main() -> None:
    """The entry point."""
    try:
        app()
    except SystemExit as ended:
        if isinstance(ended.code, int) and ended.code != 0:
            end(ended.code)
        raise
