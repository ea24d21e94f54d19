"""A project folder as it is typed: `new`, `apply`."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from waypost.cli.arguments import JsonFlag
from waypost.cli.terminal import api_client, complaints, console, failures_as_sentences, print_answer

if TYPE_CHECKING:
    from waypost.client import Waypost
    from waypost.project.project import ProjectItem


ProjectPath = Annotated[Path, typer.Argument(help="A journey file, or a project folder.", exists=True, readable=True)]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (new, apply):
        app.command()(command)


def new(
    folder: Annotated[Path, typer.Argument(help="The folder to make.")],
    journey: Annotated[str, typer.Option(help="The example to begin with: lifecycle, saas_trial, …")] = "lifecycle",
    brand: Annotated[str | None, typer.Option(help="The name that mails show; else the folder's.")] = None,
    color: Annotated[str | None, typer.Option(help="The colour of buttons; else #0b6e4f.")] = None,
    sender: Annotated[str | None, typer.Option(help="The address that mails come from.")] = None,
    site: Annotated[str | None, typer.Option(help="Your site, where buttons lead, as https://shop.example.")] = None,
    address: Annotated[str | None, typer.Option(help="The postal address at the foot of every mail.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Make a project of your own: brand settings, a journey from the examples, its mails, and events to try it with."""
    from mail.brand import GREEN
    from waypost.project import new_project

    with failures_as_sentences():
        name = brand or folder.resolve().name.replace("-", " ").replace("_", " ").title()
        identity = new_project.checked(brand=name, color=color or GREEN, sender=sender, site=site, address=address)
        files = new_project.create(folder, journey, identity, datetime.now(UTC).date())
        if as_json:
            return typer.echo(json.dumps({"folder": str(folder), "files": [str(one) for one in files]}))
        console.print(f"[green]✓[/] {len(files)} files in {folder}: the journey {journey}, its mails, sample events")
        console.print("\nWhat to type next:\n")
        for command, meaning in ((f"cd {folder}", ""), *new_project.NEXT):
            console.print(f"  {command:<30} [dim]{meaning}[/]", highlight=False)
        console.print("\nThen look at the outbox, whose address `waypost up` prints.", highlight=False)


def apply(
    path: ProjectPath,
    publish: Annotated[bool, typer.Option(help="publish each journey that was stored")] = False,
    based_on: Annotated[int | None, typer.Option(help="of one file: the revision of the draft it was made of")] = None,
    as_json: JsonFlag = False,
) -> None:
    """Store a journey file as a draft; or everything in a project folder, in the order in which it is needed."""
    from waypost.project import project

    with api_client() as waypost:
        if path.is_dir():
            if based_on is not None:
                raise typer.BadParameter("a folder has many drafts; name one file")
            return _apply_all(waypost, list(project.items(path)), publish, as_json)
        item = project.journey(path, based_on)
        answer = item.put(waypost)
        if not as_json:
            _warn(item, answer)
        version = waypost.publish(item.key) if publish else None
        after = f"version {version['number']} is live" if version else f"`waypost publish {item.key}`"
        print_answer(as_json, answer, f"[green]✓[/] {item.key}: the draft is stored; {after}")


def _apply_all(waypost: "Waypost", items: "Sequence[ProjectItem]", publish: bool, as_json: bool) -> None:
    done: list[dict[str, str]] = []
    for item in items:
        change: str = item.change(waypost)
        answer: dict[str, Any] = item.put(waypost) if change != "same" else {}
        _warn(item, answer)
        if publish and item.kind == "journey" and waypost.publish(item.key)["created"]:
            change = "published"
        done.append({"kind": item.kind, "key": item.key, "change": change})
        if not as_json:
            carry = f"; {answer['planned_mails']:,} planned mails will carry it" if answer.get("planned_mails") else ""
            console.print(f"[green]✓[/] {item.kind} {item.key}: {change}{carry}")
    if as_json:
        typer.echo(json.dumps(done))


def _warn(item: "ProjectItem", answer: Any) -> None:
    for warning in answer.get("warnings") or []:
        complaints.print(f"[yellow]warning[/] {item.kind} {item.key}: ", end="")
        complaints.print(_sentence(warning), markup=False)


def _sentence(warning: Any) -> str:
    return warning if isinstance(warning, str) else f"{warning['path']}: {warning['message']}"
