"""One customer as support asks: `status`, `why`, `forecast`; and `erase`."""

import json
from itertools import islice
from typing import Annotated, Any, cast

import typer
from rich.text import Text

from waypost.cli.arguments import CustomerArgument, JsonFlag
from waypost.cli.terminal import api_client, console, print_answer


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (status, why, forecast, erase):
        app.command()(command)


def status(customer: CustomerArgument, as_json: JsonFlag = False, limit: int = 40) -> None:
    """Where a customer is, what comes next, and everything that led there; who has the address, where several do."""
    from waypost.cli.tables import customer_status
    from waypost.doctor.held_lanes import told

    with api_client() as waypost:
        shown = cast(dict[str, Any], waypost.customer(customer))
        if len(shown["profiles"]) > 1 and not as_json:
            return customer_status.print_profiles(console, customer, shown["profiles"])
        story = cast(list[dict[str, Any]], list(islice(waypost.timeline(customer, min(limit, 200)), limit)))
        held = waypost.channels()["held"]
        if as_json:
            return typer.echo(json.dumps({**shown, "timeline": story, "held": held}))
        if held is not None:
            console.print(Text(f"! {told(held)}", "yellow"))
        customer_status.print_status(console, shown, story)


def why(
    customer: CustomerArgument,
    journey: Annotated[str | None, typer.Option(help="About a journey.")] = None,
    step: Annotated[str | None, typer.Option(help="About a step of it: its id, or its template.")] = None,
    message: Annotated[str | None, typer.Option(help="About one message.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Why a customer did (not) get a mail, did (not) enter a journey. Without options: about every journey."""
    with api_client() as waypost:
        keys = [journey] if journey or message else [one["key"] for one in waypost.journeys() if one["live_version"]]
        answers = {key or "": waypost.why(customer, journey=key, step=step, message=message) for key in keys}
        if as_json:
            return typer.echo(json.dumps(answers))
        for key, answer in answers.items():
            console.print(Text(key or message or "", "bold"))
            for one in answer["profiles"]:
                whose = f"{one['external_id'] or one['id']}: " if len(answer["profiles"]) > 1 else ""
                console.print(Text(f"  {whose}{one['answer']}"))


def forecast(customer: CustomerArgument, as_json: JsonFlag = False) -> None:
    """What comes next for a customer, at which local time, and what would change it."""
    from waypost.cli.tables import customer_status

    with api_client() as waypost:
        shown = cast(dict[str, Any], waypost.customer(customer))
        if len(shown["profiles"]) > 1 and not as_json:
            return customer_status.print_profiles(console, customer, shown["profiles"], "forecast")
        live = [one["id"] for one in shown["enrollments"] if one["status"] == "live"]
        ahead = [cast(dict[str, Any], waypost.forecast(one)) for one in live]
        if as_json:
            return typer.echo(json.dumps(ahead))
        customer_status.print_forecast(console, shown, ahead)


def erase(
    customer: CustomerArgument,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase a customer from every table; there is no way back."""
    with api_client() as waypost:
        if not yes:
            typer.confirm("Erase this customer for good?", abort=True)
        ended = waypost.wait(waypost.erase(customer))
        print_answer(as_json, ended, f"[green]✓[/] erased: {ended['done']:,} rows")
