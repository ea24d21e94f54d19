"""One enrollment as support moves it: `enrollment pause`, `resume`, `skip`, `move`, `retry`, `exit`."""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from journeys.language.words import Late
from services.errors import InvalidInput, NotFound
from waypost.cli.arguments import JsonFlag, LateOption, ReasonOption
from waypost.cli.terminal import api_client, print_answer

if TYPE_CHECKING:
    from waypost.client import Waypost
    from waypost.client.models import EnrollmentOut

enrollment_app = typer.Typer(help="One enrollment: pause, resume, skip, move, retry, exit.", no_args_is_help=True)

Verb = Literal["pause", "resume", "skip", "exit"]
Whose = Annotated[str, typer.Argument(help="An enrollment's id (enr_…), or a customer: your id or the email address.")]
JourneyOption = Annotated[
    str | None, typer.Option(help="Which journey, where the customer is under way in several of them.")
]

OWN_ID = "enr_"
"""How the ids of enrollments begin."""


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    for command in (pause, resume, skip, move, retry, exit_):
        enrollment_app.command(command.__name__.rstrip("_"))(command)
    app.add_typer(enrollment_app, name="enrollment")


def pause(of: Whose, journey: JourneyOption = None, reason: ReasonOption = "", as_json: JsonFlag = False) -> None:
    """Keep it where it is; no mail of it goes."""
    _control("pause", of, journey, reason, as_json)


def resume(
    of: Whose,
    journey: JourneyOption = None,
    reason: ReasonOption = "",
    late: LateOption = None,
    as_json: JsonFlag = False,
) -> None:
    """Let it go on: what is overdue follows --late, else what its step says."""
    _control("resume", of, journey, reason, as_json, late)


def skip(of: Whose, journey: JourneyOption = None, reason: ReasonOption = "", as_json: JsonFlag = False) -> None:
    """Go on behind the step that it waits in."""
    _control("skip", of, journey, reason, as_json)


def move(
    of: Whose,
    stage: Annotated[str, typer.Argument(help="The stage to go to.")],
    step: Annotated[str | None, typer.Option(help="At which step, by its id; else the first one.")] = None,
    journey: JourneyOption = None,
    reason: ReasonOption = "",
    as_json: JsonFlag = False,
) -> None:
    """Put it into a stage, at a step: it goes on from there, and what it sends may go again."""
    with api_client() as waypost:
        _print(as_json, waypost.move(the_one_meant(waypost, of, journey), stage, step, reason))


def retry(of: Whose, journey: JourneyOption = None, as_json: JsonFlag = False) -> None:
    """Try again, at once, one that is stuck: whose every wake ends in an error."""
    with api_client() as waypost:
        _print(as_json, waypost.retry(the_one_meant(waypost, of, journey)))


def exit_(of: Whose, journey: JourneyOption = None, reason: ReasonOption = "", as_json: JsonFlag = False) -> None:
    """End it."""
    _control("exit", of, journey, reason, as_json)


def _control(verb: Verb, of: str, journey: str | None, reason: str, as_json: bool, late: Late | None = None) -> None:
    with api_client() as waypost:
        _print(as_json, waypost.control(the_one_meant(waypost, of, journey), verb, reason, late))


def _print(as_json: bool, done: "EnrollmentOut") -> None:
    place = f"ended ({done['reason']})" if done["status"] == "ended" else done["step"] or done["stage"]
    paused = ", paused" if done["paused"] else ""
    print_answer(as_json, done, f"[green]✓[/] {done['id']} in {done['journey']}: {place}{paused}")


def the_one_meant(waypost: "Waypost", of: str, journey: str | None) -> str:
    """The id of the one enrollment that is meant; raise NotFound, or InvalidInput where several are."""
    if of.startswith(OWN_ID):
        return of
    live: list[Any] = [
        one
        for one in waypost.customer(of)["enrollments"]
        if one["status"] == "live" and journey in (None, one["journey"])
    ]
    if not live:
        raise NotFound(f"{of} is under way in no journey" if journey is None else f"{of} is not under way in {journey}")
    if len(live) > 1:
        told = ", ".join(f"{one['id']} ({one['journey']}, {one['stage']})" for one in live)
        raise InvalidInput(f"{of} has {len(live)} enrollments; name one by --journey or its id: {told}")
    return live[0]["id"]
