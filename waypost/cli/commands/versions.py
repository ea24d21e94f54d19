"""What differs, as it is typed: `diff` of a project folder, or of two versions of a journey; `versions`."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.text import Text

from waypost.cli.arguments import JourneyArgument, JsonFlag
from waypost.cli.terminal import api_client, console, print_answer, told_time, wrapping_table

if TYPE_CHECKING:
    from waypost.client import Waypost
    from waypost.project.project import ProjectItem

MARKS = {"new": "[green]+[/]", "changed": "[yellow]~[/]", "same": " "}
"""How a thing of a project is marked by what applying it would do."""

Named = Annotated[str | None, typer.Argument(help="A version, or draft; without it the live one and the draft.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (diff, versions):
        app.command()(command)


def diff(
    what: Annotated[str, typer.Argument(help="A project folder, a journey file, or a journey's key.")],
    a: Named = None,
    b: Named = None,
    text: Annotated[bool, typer.Option("--text", help="Of two versions: line by line, as YAML.")] = False,
    as_json: JsonFlag = False,
) -> None:
    """Say what `apply` would change, or what version B of a journey changes of A.

    Exit status 0: nothing; 1: something; 2: it cannot be told.
    """
    try:
        if a is None and Path(what).exists():
            differs = _of_files(Path(what), as_json)
        else:
            differs = _of_versions(what, a, b, text, as_json)
    except typer.Exit:
        raise typer.Exit(2) from None
    if differs:
        raise typer.Exit(1)


def _of_files(path: Path, as_json: bool) -> bool:
    from waypost.project import project

    with api_client() as waypost:
        those = project.items(path) if path.is_dir() else [project.journey(path)]
        told = [_told(waypost, item) for item in those]
    if as_json:
        typer.echo(json.dumps(told))
    else:
        for one in told:
            carry = f": {one['planned_mails']:,} planned mails would carry it" if one.get("planned_mails") else ""
            console.print(f"{MARKS[one['change']]} {one['kind']} {one['key']} ({one['file']}){carry}")
    return any(one["change"] != "same" for one in told)


def _told(waypost: "Waypost", item: "ProjectItem") -> dict[str, Any]:
    """What applying it would do; of a template that is there, how many planned mails would carry it."""
    change = item.change(waypost)
    told: dict[str, Any] = {"kind": item.kind, "key": item.key, "change": change, "file": str(item.file)}
    if item.kind == "template" and change == "changed":
        told["planned_mails"] = waypost.template_usage(item.key)["planned_mails"]
    return told


def _of_versions(key: str, a: str | None, b: str | None, text: bool, as_json: bool) -> bool:
    with api_client() as waypost:
        before = _side(a) if a else waypost.journey(key)["live_version"] or "draft"
        told: Any = waypost.diff(key, before, _side(b) if b else "draft")
    if as_json:
        typer.echo(json.dumps(told))
    elif text:
        typer.echo(told["text"])
    else:
        for one in told["changes"]:
            console.print(Text(one["sentence"]))
    return bool(told["changes"])


def _side(named: str) -> int | Literal["draft"]:
    if named == "draft":
        return "draft"
    if not named.isdecimal():
        raise typer.BadParameter(f"{named!r} must be a version's number, or draft")
    return int(named)


def versions(
    key: JourneyArgument,
    archive: Annotated[int | None, typer.Option(help="Archive this version, on which nobody is.")] = None,
    as_json: JsonFlag = False,
) -> None:
    """The published versions of a journey, the newest first: when, by whom, and what each changed."""
    with api_client() as waypost:
        if archive is not None:
            waypost.archive_version(key, archive)
        found = list(waypost.versions(key))
    if as_json:
        return print_answer(True, found)
    table = wrapping_table("Version", "Published", "By", "What it changed", figures=("Version",))
    for one in (one for one in found if one["archived_at"] is None):
        told = one["summary"] + (_tried(one) if one is found[0] else "")
        table.add_row(
            str(one["number"]), told_time(one["published_at"]), one.get("by") or one["published_by"] or "", Text(told)
        )
    console.print(table)


def _tried(live: Mapping[str, Any]) -> str:
    """What is said of the newest version while it is tried on a few."""
    if live["others"] is None:
        return ""
    return f" Tried on {live['share']} in a hundred of those who come; the others enter version {live['others']}."
