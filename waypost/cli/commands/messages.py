"""Messages as they are typed: `decide` settles those of which nobody can tell whether they went."""

import json
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.text import Text

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, console, print_answer

if TYPE_CHECKING:
    from waypost.client import Waypost


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(decide)


def decide(
    message: Annotated[
        str | None, typer.Argument(help="A message's id; without it (or a filter), what is open.")
    ] = None,
    verdict: Annotated[str, typer.Option("--as", help="accepted, resend or failed.")] = "accepted",
    journey: Annotated[str | None, typer.Option(help="All of this journey.")] = None,
    broadcast: Annotated[str | None, typer.Option(help="All of this broadcast.")] = None,
    template: Annotated[str | None, typer.Option(help="All of this template.")] = None,
    status: Annotated[str | None, typer.Option(help="unknown or parked; without it both.")] = None,
    reason: Annotated[str | None, typer.Option(help="All that are unsure for it: worker_lost, no_answer, …")] = None,
    since: Annotated[str | None, typer.Option(help="All that are unsure since then or later (ISO 8601).")] = None,
    until: Annotated[str | None, typer.Option(help="All that are unsure since before then (ISO 8601).")] = None,
    count: Annotated[int | None, typer.Option(help="How many there are, as you were told: then it is done.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Decide about messages of which nobody can tell whether they went: one, or all of some kind; else list them."""
    filters = {
        "journey": journey, "broadcast": broadcast, "template": template, "status": status, "reason": reason,
        "since": since, "until": until,
    }  # fmt: skip
    given = {name: value for name, value in filters.items() if value is not None}
    with api_client() as waypost:
        if message is not None:
            done = waypost.call("POST", "/v1/messages/{}/decide", message, json={"as": verdict})
            return print_answer(as_json, done, f"[green]✓[/] {message} is {done['status']}")
        if given or count is not None:
            return _decide_many(waypost, verdict, count, given, as_json)
        found = [one for status in ("parked", "unknown") for one in waypost.messages(status=status)]
        if as_json:
            return typer.echo(json.dumps(found))
        for one in found:
            console.print(Text(f"{one['id']}  {one['status']}  {one['template']}  {one['journey']}/{one['step']}"))
        console.print(
            f"{len(found)} to decide; `waypost decide ID --as accepted|resend|failed`" if found else "Nothing."
        )


def _decide_many(waypost: "Waypost", verdict: str, count: int | None, given: dict[str, str], as_json: bool) -> None:
    """Count them; with the count that was told, do it and wait."""
    done: Any = waypost.decide(verdict, count=count, **given)
    if done["operation"] is None:
        told = f"{done['count']} to decide; add --count {done['count']} to do it" if done["count"] else "Nothing."
        return print_answer(as_json, done, told)
    for shown in waypost.watch(done["operation"]):
        done = shown
    print_answer(as_json, done, f"[green]✓[/] {(done['result'] or {}).get('decided', 0)} decided: {verdict}")
