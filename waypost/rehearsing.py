"""`waypost simulate` and `waypost backtest`: what would happen, without Temporal and without a mail."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from journeys import backtest as backtests
from journeys import calendar, compiler, source
from journeys.backtest import Person, Totals
from journeys.definition import Journey
from journeys.program import Program
from journeys.simulator import Recorded, by_policy
from services import backtesting, cohorts, importing
from services.errors import InvalidInput
from services.tracking import Rejected, instant
from store import migrate
from waypost import stories
from waypost.terminal import File, JsonFlag, complaints, console, parts, read, show_problems, told

TOLD_ERRORS = 20

Until = Annotated[str | None, typer.Option(help="The last instant, ISO 8601; without a zone it is UTC.")]
Events = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="An event file, NDJSON or CSV.")]
Pictures = Annotated[Path | None, typer.Option(file_okay=False, help="A folder to write SVG pictures into.")]


def rehearsals(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command()(simulate)
    app.command()(backtest)


# -- one customer ------------------------------------------------------------------------------------------------------


def simulate(
    file: File,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An attribute, as plan=team (JSON or text).")] = None,
    event: Annotated[list[str] | None, typer.Option(help="What happens when, as '3 days: Order Completed'.")] = None,
    start: Annotated[str | None, typer.Option(help="When it begins, ISO 8601 (default: now).")] = None,
    days: Annotated[float, typer.Option(help="For how many days.", min=0.01, max=36_500)] = 90,
    cohort: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A file of customers.")] = None,
    pictures: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Follow one made-up customer (or a cohort) through a journey file.

    The customer enters at once; --event may be given several times. With --cohort everybody in the file does, with the
    attributes of their identify lines and the events of their track lines.
    """
    with told():
        journey = load(file)
        program = compiler.compile_journey(journey)
        begin = _instant(start, "--start") if start else datetime.now(UTC).replace(microsecond=0)
        until = begin + timedelta(days=days)
        if cohort is not None:
            people, errors = _people_of(cohort, until)
            return _tell(_totals(program, people, until), errors, journey, pictures, as_json)
        person = _made_up(program, begin, _attributes(sets or []), event or [])
        lived = backtests.runs(program, person, until, by_policy(assume_address=True))
        if not lived:
            raise InvalidInput("the customer does not enter: no trigger's guard holds; try --set or --event")
        if pictures is not None:
            _drawn(stories.draw_path(pictures, journey, lived, until))
        if as_json:
            return typer.echo(json.dumps([stories.as_json(one) for one in lived]))
        for one in lived:
            stories.tell(console, one)


def _made_up(program: Program, begin: datetime, attributes: dict[str, Any], events: list[str]) -> Person:
    """A customer whom the first trigger lets in at once; a journey without triggers is entered by a call."""
    happened = [_timed(text, begin) for text in events]
    names = [trigger.event for trigger in program.triggers]
    if names and not any(at <= begin and name in names for at, name, _ in happened):
        happened.insert(0, (begin, names[0], {**attributes, **program.triggers[0].given}))
    happened.sort(key=lambda one: one[0])
    recorded = [Recorded(seq=i, name=name, at=at, properties=p) for i, (at, name, p) in enumerate(happened, start=1)]
    zone = attributes.get("timezone")
    return Person(
        id="made-up", events=recorded, attributes=attributes, timezone=zone if isinstance(zone, str) else None
    )


def _timed(text: str, begin: datetime) -> tuple[datetime, str, dict[str, Any]]:
    """Read "3 days: Order Completed {"total": 20}"."""
    span, colon, rest = text.partition(":")
    try:
        after = timedelta(0) if span.strip() in ("0", "now") else calendar.parse_span(span).elapsed
        name, brace, properties = rest.partition("{")
        if not colon or not name.strip():
            raise ValueError("an event is written as '3 days: Order Completed'")
        return begin + after, name.strip(), json.loads(brace + properties) if brace else {}
    except ValueError as error:
        raise InvalidInput(f"--event {text!r}: {error}") from None


def _attributes(pairs: list[str]) -> dict[str, Any]:
    attributes: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"--set {pair!r}: an attribute is written as plan=team")
        try:
            attributes[name] = json.loads(value)
        except ValueError:
            attributes[name] = value
    return attributes


# -- many customers ----------------------------------------------------------------------------------------------------


def backtest(
    file: File,
    events: Events = None,
    begin: Annotated[str | None, typer.Option("--from", help="Use the store's events from this instant on.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Use the store's events up to this instant.")] = None,
    until: Until = None,
    against: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Another version.")] = None,
    pictures: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay recorded events through a journey file: stages, movements, mails, and what would be skipped and why.

    Events come from a file, or from this installation's store. Nothing is stored and nobody is written to.
    """
    with told():
        journey, other = load(file), load(against) if against else None
        end = _instant(until or to, "--until") if until or to else None
        people, errors = _people_of(events, end) if events else (_recorded(begin, end), 0)
        if not people:
            raise InvalidInput("there are no events to replay; give --events FILE, or --from and --to")
        end = end or max(one.events[-1].at for one in people)
        totals = _totals(compiler.compile_journey(journey), people, end)
        second = _totals(compiler.compile_journey(other), people, end) if other else None
        _tell(totals, errors, journey, pictures, as_json, second)


def _people_of(file: Path, until: datetime | None) -> tuple[list[Person], int]:
    progress = importing.Progress()
    horizon = datetime.now(UTC) if until is None else max(until, datetime.now(UTC))
    people = list(importing.cohort(importing.read_file(file, horizon, progress, need_ids=False)))
    for error in progress.errors[:TOLD_ERRORS]:
        complaints.print(f"[yellow]line {error.line}[/] ", end="")
        complaints.print(error.reason, markup=False, highlight=False)
    if progress.error_count > TOLD_ERRORS:
        complaints.print(f"… and {progress.error_count - TOLD_ERRORS:,} more lines that were left out")
    return people, progress.error_count


def _recorded(begin: str | None, end: datetime | None) -> list[Person]:
    with parts() as made:
        if migrate.pending(made.database.engine):
            raise InvalidInput("the database lacks migrations; run `waypost up` or `waypost db upgrade` first")
        with made.database.reading() as session:
            first = _instant(begin, "--from") if begin else None
            return list(cohorts.recorded(session, first, end or made.clock()))


def _totals(program: Program, people: Sequence[Person], until: datetime) -> Totals:
    """Everybody, with a bar that shows how far it is."""
    totals = Totals()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complaints, transient=True) as bar:
        task = bar.add_task("Replaying", total=len(people))
        for part in backtesting.parts(program, people, until):
            totals.add(part)
            bar.update(task, completed=totals.customers)
    return totals


# -- telling -----------------------------------------------------------------------------------------------------------


def load(file: Path) -> Journey:
    """The journey of a file; warnings are told, errors end the command."""
    journey, warnings = source.read(read(file))
    show_problems(tuple(one for one in warnings if one.code != "no_topic"))
    return journey


def _instant(text: str | None, option: str) -> datetime:
    try:
        return instant(text, option)
    except Rejected as wrong:
        raise InvalidInput(str(wrong)) from None


def _tell(
    totals: Totals,
    errors: int,
    journey: Journey,
    pictures: Path | None,
    as_json: bool,
    second: Totals | None = None,
) -> None:
    if pictures is not None:
        _drawn(stories.draw_totals(pictures, journey, totals, second))
    if as_json:
        shown = totals.as_json() | {"errors": errors}
        return typer.echo(json.dumps(shown | ({"against": second.as_json()} if second else {})))
    stories.tell_totals(console, totals, second)


def _drawn(files: Sequence[Path]) -> None:
    complaints.print("Drawn: " + ", ".join(str(file) for file in files), markup=False, highlight=False)
