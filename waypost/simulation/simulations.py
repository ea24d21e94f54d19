"""`waypost simulate` and `waypost backtest`: what would happen, without Temporal and without a mail."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from journeys.checks import source
from journeys.facts import calendar
from journeys.language.definition import Journey
from journeys.program import compiler
from journeys.program.program import Entrance, Program
from journeys.rules.policy import NO_TERMS, InstallationTerms
from journeys.simulation import backtest as backtesting
from journeys.simulation import consequences
from journeys.simulation.backtest import Person, Totals
from journeys.simulation.simulator import IDENTIFY, Recorded, by_policy
from services.customers import segments
from services.errors import InvalidInput
from services.imports import event_files
from services.messages import eligibility
from services.operations import backtests, cohorts
from services.values import Rejected, instant
from store import migrate
from waypost.cli.terminal import complaints, console, parts, read, show_problems
from waypost.simulation import output
from waypost.wiring import Parts

TOLD_ERRORS = 20
CALL = "Enrolled"

# -- one customer ------------------------------------------------------------------------------------------------------


def simulate(
    file: Path,
    sets: list[str],
    events: list[str],
    start: str | None,
    days: float,
    cohort: Path | None,
    pictures: Path | None,
    as_json: bool,
) -> None:
    """Follow one made-up customer, or a cohort from a file."""
    journey = load(file)
    program = _with_an_entrance(compiler.compile_journey(journey))
    begin = _instant(start, "--start") if start else datetime.now(UTC).replace(microsecond=0)
    until = begin + timedelta(days=days)
    if cohort is not None:
        people, errors = _people_of(cohort, until)
        return _tell(_totals(program, people, until), errors, journey, pictures, as_json)
    made_up = _made_up(program, begin, _attributes(sets), events)
    person = consequences.complete(program, made_up, until, _segments())
    lived = backtesting.runs(program, person, until, by_policy(assume_address=True, installation=_terms()))
    if not lived:
        raise InvalidInput("the customer does not enter: no trigger's guard holds; try --set or --event")
    if pictures is not None:
        _drawn(output.draw_path(pictures, journey, lived, until))
    if as_json:
        return typer.echo(json.dumps([output.as_json(one) for one in lived]))
    for one in lived:
        output.tell(console, one)


def _made_up(program: Program, begin: datetime, attributes: dict[str, Any], events: list[str]) -> Person:
    """A customer whom the first trigger lets in at once, or a date of theirs when it comes."""
    happened = [_timed(text, begin) for text in events]
    first, names = program.triggers[0], [trigger.event for trigger in program.triggers]
    if any(date.date.attribute in attributes for date in program.dates):
        happened.insert(0, (begin, IDENTIFY, attributes))
    elif not any(at <= begin and name in names for at, name, _ in happened):
        happened.insert(0, (begin, first.event, {**attributes, **first.given}))
    happened.sort(key=lambda one: one[0])
    recorded = [Recorded(seq=i, name=name, at=at, properties=p) for i, (at, name, p) in enumerate(happened, start=1)]
    zone = attributes.get("timezone")
    return Person(
        id="made-up", events=recorded, attributes=attributes, timezone=zone if isinstance(zone, str) else None
    )


def _with_an_entrance(program: Program) -> Program:
    """A journey without triggers is entered by a call to the API."""
    return program if program.triggers else replace(program, triggers=(Entrance(event=CALL, guard=None),))


def _timed(text: str, begin: datetime) -> tuple[datetime, str, dict[str, Any]]:
    """Read "3 days: Order Completed {"total": 20}"."""
    span, colon, rest = text.partition(":")
    try:
        name, brace, properties = rest.partition("{")
        if not colon or not name.strip():
            raise ValueError("an event is written as '3 days: Order Completed'")
        after = timedelta(0) if span.strip() in ("0", "now") else calendar.parse_span(span).elapsed
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
    file: Path,
    events: Path | None,
    time: tuple[str | None, str | None, str | None],
    against: Path | None,
    pictures: Path | None,
    as_json: bool,
) -> None:
    """Replay recorded events, of a file or of the store; `time` is from, to, until."""
    begin, to, until = time
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
    progress = event_files.Progress()
    horizon = datetime.now(UTC) if until is None else max(until, datetime.now(UTC))
    people = list(event_files.cohort(event_files.read_file(file, horizon, progress, need_ids=False)))
    for error in progress.errors[:TOLD_ERRORS]:
        complaints.print(f"[yellow]line {error.line}[/] ", end="")
        complaints.print(error.reason, markup=False, highlight=False)
    if progress.error_count > TOLD_ERRORS:
        complaints.print(f"… and {progress.error_count - TOLD_ERRORS:,} more lines that were left out")
    return people, progress.error_count


def _is_here(made: Parts) -> bool:
    """Whether this installation has a database."""
    there = made.settings.database_url is not None or (made.settings.home / "waypost.db").exists()
    return there and not migrate.pending(made.database.engine)


def _segments() -> dict[str, str]:
    """The segments of this installation, where there is one."""
    with parts() as made:
        if not _is_here(made):
            return {}
        with made.database.reading() as session:
            return {one.key: one.guard for one in segments.listed(session)}


def _terms() -> InstallationTerms:
    """Caps, quiet hours and topics of this installation, where there is one."""
    with parts() as made:
        if not _is_here(made):
            return NO_TERMS
        with made.database.reading() as session:
            return eligibility.present_terms(session)


def _recorded(begin: str | None, end: datetime | None) -> list[Person]:
    with parts() as made:
        if not _is_here(made):
            raise InvalidInput("there are no recorded events here; give --events FILE (or start `waypost up` once)")
        with made.database.reading() as session:
            first = _instant(begin, "--from") if begin else None
            return list(cohorts.recorded(session, first, end or made.clock()))


def _totals(program: Program, people: Sequence[Person], until: datetime) -> Totals:
    """Everybody, with a bar that shows how far it is."""
    totals = Totals()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=complaints, transient=True) as bar:
        task = bar.add_task("Replaying", total=len(people))
        for part in backtests.parts(program, people, until, _segments(), _terms()):
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
        _drawn(output.draw_totals(pictures, journey, totals, second))
    if as_json:
        shown = totals.as_json() | {"errors": errors}
        return typer.echo(json.dumps(shown | ({"against": second.as_json()} if second else {})))
    output.tell_totals(console, totals, second)
    if not totals.enrolled:
        listened = ", ".join(repr(one.on) for one in journey.enter if one.on) or "none by event"
        complaints.print(f"Nobody entered. The triggers listen to: {listened}", markup=False, highlight=False)


def _drawn(files: Sequence[Path]) -> None:
    complaints.print("Drawn: " + ", ".join(str(file) for file in files), markup=False, highlight=False)
