"""All lanes as they are typed: `hold` keeps everything in the house, `release` lets it go."""

from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, print_answer


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (hold, release):
        app.command()(command)


def hold(
    reason: Annotated[str, typer.Option(help="Why, for whoever finds the lanes held.")] = "", as_json: JsonFlag = False
) -> None:
    """Let nothing go out: no mail, webhook or note is claimed until `waypost release`; journeys go on."""
    with api_client() as waypost:
        found = waypost.hold(reason)
        print_answer(as_json, found, "[green]✓[/] All lanes are held; `waypost release` lets them go.")


def release(as_json: JsonFlag = False) -> None:
    """Let go all that a hold has kept: after `waypost hold`, `waypost up --hold` or `waypost restore`."""
    with api_client() as waypost:
        found = waypost.release()
        waiting = sum(one["waiting"] for one in found["lanes"])
        print_answer(as_json, found, f"[green]✓[/] All lanes go; {waiting:,} mails wait for their turn or their time.")
