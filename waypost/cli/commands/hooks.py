"""Webhooks and notes to colleagues as they are typed: what is stuck, and what becomes of it."""

import json
from typing import Annotated

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console, print_answer, wrapping_table

hooks_app = typer.Typer(help="Webhooks and notes to colleagues.", no_args_is_help=True)

HookId = Annotated[str, typer.Argument(help="The id, which receivers see as webhook-id.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.add_typer(hooks_app, name="hooks")


@hooks_app.command("list")
def listed(
    status: Annotated[str | None, typer.Option(help="planned, calling, delivered, failed, stuck, cancelled.")] = None,
    journey: Annotated[str | None, typer.Option(help="One journey; else all.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """List webhooks and notes with the last answer; `--status stuck` are those that wait for you."""
    with api_client() as waypost:
        found = list(waypost.hooks(status=status, journey=journey))
    if as_json:
        return typer.echo(json.dumps(found))
    table = wrapping_table("Hook", "Journey", "Step", "Status", "Attempts", "Answer", figures=("Attempts",))
    for one in found:
        answer = one["error"] or (str(one["answer"]) if one["answer"] is not None else "")
        table.add_row(one["id"], one["journey"], one["step"], one["status"], str(one["attempts"]), answer)
    console.print(table)
    return None


@hooks_app.command()
def retry(hook: HookId, as_json: JsonFlag = False) -> None:
    """Call again, at once: for one that failed, or is stuck."""
    with api_client() as waypost:
        done = waypost.call("POST", "/v1/hooks/{}/retry", hook)
    print_answer(as_json, done, f"[green]✓[/] {hook} is {done['status']}")


@hooks_app.command()
def cancel(hook: HookId, as_json: JsonFlag = False) -> None:
    """Give a call up: one that is planned, failed, or stuck."""
    with api_client() as waypost:
        done = waypost.call("POST", "/v1/hooks/{}/cancel", hook)
    print_answer(as_json, done, f"[green]✓[/] {hook} is {done['status']}")
