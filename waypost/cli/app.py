"""The command line as it is typed: every command, and what `--help` tells.

A command imports what it alone needs when it runs: the API and the worker are started from here, and stay small. A
question of support is answered with the client alone; `tests/processes/test_command_line.py` says what is not loaded.
"""

from typing import Annotated

import typer

from waypost import __version__
from waypost.cli.commands import (
    backups,
    changes,
    chaos,
    customers,
    doctor,
    enrollments,
    events,
    experiments,
    exports,
    hooks,
    journeys,
    keys,
    lanes,
    messages,
    processes,
    projects,
    reconciling,
    reports,
    simulations,
    users,
    value,
    versions,
)
from waypost.cli.terminal import console

app = typer.Typer(
    name="waypost",
    help="A self-hosted engine for the customer lifecycle.",
    no_args_is_help=True,
    rich_markup_mode=None,  # drawn boxes take as long as all the rest of `--help`
)
for group in (
    processes, backups, projects, journeys, changes, versions, experiments, simulations, events, customers, exports,
    enrollments, reconciling, messages, lanes, hooks, keys, users, doctor, chaos, value, reports,
):  # fmt: skip
    group.register(app)


@app.callback(invoke_without_command=True)
def root(version: Annotated[bool, typer.Option("--version", help="Show the version.")] = False) -> None:
    """A self-hosted engine for the customer lifecycle."""
    if version:
        console.print(__version__)
        raise typer.Exit
