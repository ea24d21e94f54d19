"""A new version and those who are under way, as it is typed: `plan`, `publish`, `rollback`."""

import json
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from waypost.cli.arguments import JourneyArgument, JsonFlag
from waypost.cli.terminal import api_client, complaints, console, fail, print_answer, read
from waypost.errors import ApiProblem

if TYPE_CHECKING:
    from waypost.client import Waypost

InFlight = Annotated[
    Literal["pin", "move"], typer.Option(help="pin: who is under way keeps their version; move: they go over.")
]
AsPlanned = Annotated[
    Literal["pin", "move"] | None, typer.Option(help="The same; without it, as the plan of `--token` tells.")
]
OnChange = Annotated[
    Literal["keep", "rest", "restart"], typer.Option(help="A wait of another length: its end, its rest, or anew.")
]
Again = Annotated[Literal["skip", "send"], typer.Option(help="A mail that another step would send a second time.")]
Moved = Annotated[list[str] | None, typer.Option(help="OLD=NEW, as often as needed.")]
MovesFile = Annotated[Path | None, typer.Option(help="The same as a YAML file: `stages:`, `steps:`.", exists=True)]
Spread = Annotated[int, typer.Option(help="Minutes over which those are spread who become due within an hour.")]
Share = Annotated[int, typer.Option(help="How many in a hundred are moved, the same ones always.")]
Token = Annotated[str | None, typer.Option(help="Of a plan that was looked at; without it, it is planned now.")]
Yes = Annotated[bool, typer.Option("--yes", help="Go on where the plan warns.")]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (plan, publish, rollback):
        app.command()(command)


def plan(
    key: Annotated[str, typer.Argument(help="The journey's key, or a project folder: then Markdown for all of it.")],
    file: Annotated[Path | None, typer.Argument(help="A definition; without it the draft.", exists=True)] = None,
    version: Annotated[int | None, typer.Option(help="An older version, to go back to.")] = None,
    in_flight: InFlight = "move",
    on_change: OnChange = "rest",
    again: Again = "skip",
    move_stage: Moved = None,
    move_step: Moved = None,
    moves: MovesFile = None,
    spread_minutes: Spread = 30,
    share: Share = 100,
    as_json: JsonFlag = False,
) -> None:
    """Say what a new version would do to each customer who is under way; nothing else happens.

    Exit status 1 where somebody would be stranded, mailed again or at once, or would leave. Of a folder each journey
    is planned against what is live, as Markdown for a pull request.
    """
    from waypost.cli.tables.plan import print_plan

    if moves and (move_stage or move_step):
        raise typer.BadParameter("give the moves as a file or by options, not both")
    asked: dict[str, Any] = {
        "version": version, "in_flight": in_flight, "on_change": on_change, "again": again,
        "moves": read(moves) if moves else {"stages": _pairs(move_stage), "steps": _pairs(move_step)},
        "spread_minutes": spread_minutes, "share": share,
    }  # fmt: skip
    with api_client() as waypost:
        if Path(key).is_dir():
            return _plan_folder(waypost, Path(key), asked, as_json)
        planned = _planned(waypost, key, {**asked, "definition": read(file) if file else None})
        if as_json:
            print_answer(True, planned)
        else:
            print_plan(console, planned)
            first = f"waypost apply {file}, then " if file else ""
            way = f"waypost {_way(key, version)} --in-flight {in_flight} --token {planned['token']}"
            console.print(f"Publish with: {first}{way}")
    if _dangerous(planned):
        raise typer.Exit(1)


def _way(key: str, version: int | None) -> str:
    return f"rollback {key} --to {version}" if version else f"publish {key}"


def _plan_folder(waypost: "Waypost", folder: Path, asked: dict[str, Any], as_json: bool) -> None:
    """Every journey of a project, as Markdown for a pull request; exit status 2 where one could not be planned."""
    from waypost.cli.tables.plan import markdown
    from waypost.project import plans

    told = list(plans.of_folder(waypost, folder, asked, lambda key, more: _planned(waypost, key, more)))
    typer.echo(json.dumps(told) if as_json else markdown(told))
    if plans.failed(told):
        raise typer.Exit(2)
    if any(_dangerous(one) for one in told if one["state"] == "planned"):
        raise typer.Exit(1)


def publish(
    key: JourneyArgument,
    in_flight: AsPlanned = None,
    token: Token = None,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Make the draft of a journey its live version; those under way stay, or do what the plan of `--token` tells.

    With `--in-flight move` and no token it is planned first, and they go over.
    """
    with api_client() as waypost:
        if token is None and in_flight == "move":
            token = _looked_at(waypost, key, {"in_flight": in_flight}, yes)
        with _the_counts_of_now():
            answer = waypost.publish(key, in_flight=in_flight, token=token)
        _done(waypost, key, answer, as_json)


def rollback(
    key: JourneyArgument,
    to: Annotated[int, typer.Option(help="The version to go back to.")],
    in_flight: AsPlanned = None,
    token: Token = None,
    yes: Yes = False,
    as_json: JsonFlag = False,
) -> None:
    """Publish an older version again, as a version of its own. Mails that went are not unsent.

    Those under way go over, or do what the plan of `--token` tells; with `--in-flight pin` they stay.
    """
    with api_client() as waypost:
        if token is None and in_flight != "pin":
            in_flight, token = "move", _looked_at(waypost, key, {"in_flight": "move", "version": to}, yes)
        with _the_counts_of_now():
            answer = waypost.roll_back(key, to, in_flight=in_flight, token=token)
        _done(waypost, key, answer, as_json)


@contextmanager
def _the_counts_of_now() -> Generator[None, None, None]:
    """Shown where those who are under way have changed since they were counted, and nothing is published."""
    from waypost.cli.tables.plan import print_changes

    try:
        yield
    except ApiProblem as refused:
        if refused.code == "plan-drifted":
            complaints.print(f"{refused.body['plan']['live']:,} customers are under way now")
            print_changes(complaints, refused.body["plan"])
        raise


def _looked_at(waypost: "Waypost", key: str, asked: dict[str, Any], yes: bool) -> str:
    """Plan now; the token, unless the plan warns and nobody said to go on."""
    from waypost.cli.tables.plan import print_plan

    planned = _planned(waypost, key, asked)
    print_plan(complaints, planned)
    if _dangerous(planned) and not yes:
        fail("nothing was published: look at the warnings, then add --yes, or say where customers go (see plan --help)")
    return planned["token"]


def _planned(waypost: "Waypost", key: str, asked: dict[str, Any]) -> dict[str, Any]:
    ended = waypost.wait(waypost.plan(key, {name: value for name, value in asked.items() if value is not None})["id"])
    if ended["status"] != "done":
        fail(f"the plan of {key} is {ended['status']}: {ended['error'] or 'somebody stopped it'}")
    result: dict[str, Any] = ended["result"] or {}
    return {name: value for name, value in result.items() if name != "counted"}


def _done(waypost: "Waypost", key: str, answer: Any, as_json: bool) -> None:
    word = "is published" if answer["created"] else "was live already; nothing changed"
    lines = [f"[green]✓[/] {key} version {answer['number']} {word}"]
    if answer["operation"]:
        result = waypost.wait(answer["operation"]["id"])["result"] or {"moved": {}, "kept": {}}
        moved, kept = sum(result["moved"].values()), sum(result["kept"].values())
        lines.append(f"[green]✓[/] {moved:,} customers went over to it; {kept:,} keep their version")
        answer["operation"]["result"] = result
    print_answer(as_json, answer, *lines)


def _dangerous(planned: dict[str, Any]) -> bool:
    from journeys.changes.outcomes import DANGEROUS

    return any(planned["kinds"].get(kind) for kind in DANGEROUS)


def _pairs(moves: Sequence[str] | None) -> dict[str, str]:
    """OLD=NEW each; raise a usage error where one is not, or stands twice."""
    found: dict[str, str] = {}
    for one in moves or ():
        old, mark, new = one.partition("=")
        if not mark or not old or not new or old in found:
            raise typer.BadParameter(f"{one!r} must be OLD=NEW, each OLD once")
        found[old] = new
    return found
