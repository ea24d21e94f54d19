"""Commands that ask the API: journeys, customers, the books. They need a running `waypost up` or `waypost api`."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, cast

import typer
from rich.table import Table
from rich.text import Text

from waypost.cli.terminal import JsonFlag, complaints, console, told

if TYPE_CHECKING:
    from waypost.client import Waypost
    from waypost.project.project import Item

Key = Annotated[str, typer.Argument(help="The journey's key.")]
Place = Annotated[Path, typer.Argument(help="A journey file, or a project folder.", exists=True, readable=True)]
Customer = Annotated[str, typer.Argument(help="Your id of the customer, or the email address.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (
        apply,
        diff,
        publish,
        pause,
        resume,
        enroll,
        status,
        why,
        forecast,
        reconcile,
        decide,
        erase,
        export,
    ):
        app.command()(command)


@contextmanager
def asking() -> Generator["Waypost", None, None]:
    """The API, with each failure told as a sentence."""
    from waypost.cli.api_client import client

    with told(), client() as connected:
        yield connected


def say(as_json: bool, answer: Any, *lines: str) -> None:
    """The answer for machines, or lines for people."""
    if as_json:
        return typer.echo(json.dumps(answer))
    for line in lines:
        console.print(line)


# -- journeys ----------------------------------------------------------------------------------------------------------


def apply(
    path: Place,
    publish: Annotated[bool, typer.Option(help="publish each journey that was stored")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Store a journey file as a draft; or everything in a project folder, in the order in which it is needed."""
    from waypost.project import project

    with asking() as waypost:
        if path.is_dir():
            return _apply_all(waypost, list(project.items(path)), publish, as_json)
        item = project.journey(path)
        answer = item.put(waypost)
        if not as_json:
            _warn(item, answer)
        version = waypost.publish(item.key) if publish else None
        after = f"version {version['number']} is live" if version else f"`waypost publish {item.key}`"
        say(as_json, answer, f"[green]✓[/] {item.key}: the draft is stored; {after}")


def _apply_all(waypost: "Waypost", items: "Sequence[Item]", publish: bool, as_json: bool) -> None:
    done: list[dict[str, str]] = []
    for item in items:
        change: str = item.change(waypost)
        if change != "same":
            _warn(item, item.put(waypost))
        if publish and item.kind == "journey" and waypost.publish(item.key)["created"]:
            change = "published"
        done.append({"kind": item.kind, "key": item.key, "change": change})
        if not as_json:
            console.print(f"[green]✓[/] {item.kind} {item.key}: {change}")
    if as_json:
        typer.echo(json.dumps(done))


def _warn(item: "Item", answer: Any) -> None:
    for warning in answer.get("warnings") or []:
        complaints.print(f"[yellow]warning[/] {item.kind} {item.key}: ", end="")
        complaints.print(_sentence(warning), markup=False)


def _sentence(warning: Any) -> str:
    return warning if isinstance(warning, str) else f"{warning['path']}: {warning['message']}"


def diff(folder: Place, as_json: JsonFlag = False) -> None:
    """Say what `apply` would change. Exit status 0: nothing; 1: something; 2: it cannot be told."""
    from waypost.project import project

    try:
        with asking() as waypost:
            told = [
                {"kind": item.kind, "key": item.key, "change": item.change(waypost), "file": str(item.file)}
                for item in project.items(folder)
            ]
    except typer.Exit:
        raise typer.Exit(2) from None
    if as_json:
        typer.echo(json.dumps(told))
    else:
        for one in told:
            mark = {"new": "[green]+[/]", "changed": "[yellow]~[/]", "same": " "}[one["change"]]
            console.print(f"{mark} {one['kind']} {one['key']} ({one['file']})")
    if any(one["change"] != "same" for one in told):
        raise typer.Exit(1)


def publish(key: Key, as_json: JsonFlag = False) -> None:
    """Make the draft of a journey its live version."""
    with asking() as waypost:
        answer = waypost.publish(key)
        word = "is published" if answer["created"] else "was live already; nothing changed"
        say(as_json, answer, f"[green]✓[/] {key} version {answer['number']} {word}")


def pause(key: Key, as_json: JsonFlag = False) -> None:
    """Park everybody in a journey where they are; no mail goes."""
    with asking() as waypost:
        say(as_json, waypost.change_journey(key, "pause"), f"[green]✓[/] {key} is paused; `waypost resume {key}`")


def resume(key: Key, as_json: JsonFlag = False) -> None:
    """Let a paused journey go on: first the events of the meantime, then what is overdue."""
    with asking() as waypost:
        say(as_json, waypost.change_journey(key, "resume"), f"[green]✓[/] {key} goes on")


def enroll(key: Key, customer: Customer, as_json: JsonFlag = False) -> None:
    """Enroll a customer in a journey."""
    with asking() as waypost:
        answer = waypost.enroll(key, customer)
        say(as_json, answer, f"[green]✓[/] {customer} entered {key}: {answer['id']}")


# -- customers ---------------------------------------------------------------------------------------------------------


def status(customer: Customer, as_json: JsonFlag = False, limit: int = 40) -> None:
    """Where a customer is, what comes next, and everything that led there."""
    from waypost.cli import customer_story

    with asking() as waypost:
        shown = cast(dict[str, Any], waypost.customer(customer))
        story = cast(list[dict[str, Any]], list(islice(waypost.timeline(customer, min(limit, 200)), limit)))
        if as_json:
            return typer.echo(json.dumps({**shown, "timeline": story}))
        customer_story.tell(console, shown, story)


def why(
    customer: Customer,
    journey: Annotated[str | None, typer.Option(help="About a journey.")] = None,
    step: Annotated[str | None, typer.Option(help="About a step of it: its id, or its template.")] = None,
    message: Annotated[str | None, typer.Option(help="About one mail.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Why a customer did (not) get a mail, did (not) enter a journey. Without options: about every journey."""
    with asking() as waypost:
        keys = [journey] if journey or message else [one["key"] for one in waypost.journeys() if one["live_version"]]
        answers = {key or "": waypost.why(customer, journey=key, step=step, message=message) for key in keys}
        if as_json:
            return typer.echo(json.dumps(answers))
        for key, answer in answers.items():
            console.print(Text(key or message or "", "bold"))
            console.print(Text(f"  {answer['answer']}"))


def forecast(customer: Customer, as_json: JsonFlag = False) -> None:
    """What comes next for a customer, at which local time, and what would change it."""
    from waypost.cli import customer_story

    with asking() as waypost:
        shown = cast(dict[str, Any], waypost.customer(customer))
        live = [one["id"] for one in shown["enrollments"] if one["status"] == "live"]
        ahead = [cast(dict[str, Any], waypost.forecast(one)) for one in live]
        if as_json:
            return typer.echo(json.dumps(ahead))
        customer_story.look_ahead(console, shown, ahead)


def erase(
    customer: Customer,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Erase a customer from every table; there is no way back."""
    with asking() as waypost:
        if not yes:
            typer.confirm("Erase this customer for good?", abort=True)
        ended = waypost.wait(waypost.erase(customer))
        say(as_json, ended, f"[green]✓[/] erased: {ended['done']:,} rows")


def export(customer: Customer) -> None:
    """Everything that is kept about a customer, as JSON."""
    with asking() as waypost:
        typer.echo(json.dumps(waypost.export(customer), indent=2))


# -- the books ---------------------------------------------------------------------------------------------------------


def reconcile(
    journey: Annotated[str | None, typer.Option(help="One journey; else all.")] = None, as_json: JsonFlag = False
) -> None:
    """Prove that the books balance: nobody lost, no mail lost, each difference by name (exit status 1)."""
    with asking() as waypost:
        found = waypost.reconciliation(journey)
        if as_json:
            typer.echo(json.dumps(found))
        else:
            _tell_books(cast(dict[str, Any], found))
        if not found["balanced"]:
            raise typer.Exit(1)


def decide(
    message: Annotated[str | None, typer.Argument(help="A message's id; without it, what is open.")] = None,
    verdict: Annotated[str, typer.Option("--as", help="accepted, resend or failed.")] = "accepted",
    as_json: JsonFlag = False,
) -> None:
    """Decide about mail of which nobody can tell whether it went; without an id, list it."""
    with asking() as waypost:
        if message is not None:
            done = waypost.call("POST", "/v1/messages/{}/decide", message, json={"as": verdict})
            return say(as_json, done, f"[green]✓[/] {message} is {done['status']}")
        found = [one for status in ("parked", "unknown") for one in waypost.messages(status=status)]
        if as_json:
            return typer.echo(json.dumps(found))
        for one in found:
            console.print(Text(f"{one['id']}  {one['status']}  {one['template']}  {one['journey']}/{one['step']}"))
        console.print(
            f"{len(found)} to decide; `waypost decide ID --as accepted|resend|failed`" if found else "Nothing."
        )


def _tell_books(found: dict[str, Any]) -> None:
    table = Table(
        "Journey", "Entered", "Live", "Ended", "Planned", "Accepted", "Failed", "Skipped", "Waiting", "Unsure"
    )
    for book in found["journeys"]:
        mails = book["messages"]
        counts = (
            book["entered"], book["live"], sum(book["ended"].values()), mails["planned"], mails["accepted"],
            sum(mails["failed"].values()), sum(mails["skipped"].values()), mails["waiting"],
            mails["unknown"] + mails["parked"],
        )  # fmt: skip
        table.add_row(book["journey"], *(f"{count:,}" for count in counts))
    console.print(table)
    for book in found["journeys"]:
        for name, count in book["differences"].items():
            console.print(f"[red]✗[/] {book['journey']}: {count:,} {name.replace('_', ' ')}")
    if found["outbox"]:
        console.print(f"The outbox received {found['outbox']['received']:,} mails, {found['outbox']['twice']} twice.")
    if found["balanced"]:
        console.print("[green]✓[/] The books balance.")
