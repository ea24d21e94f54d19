"""Simulations as they are typed: `simulate`, `backtest`; what they do is imported when they run."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

from services.errors import InvalidInput
from waypost.cli.arguments import FileArgument, JsonFlag
from waypost.cli.terminal import complaints, console, failures_as_sentences, parts, progress_bar, read, show_problems

if TYPE_CHECKING:
    from journeys.language.definition import Definition
    from journeys.program.program import Program
    from journeys.simulation.backtest import Totals
    from services.simulation.backtests import Histories
    from waypost.simulation.simulations import SimulationContext

TOLD_ERRORS = 20
"""Lines of a file that are told one by one; of the rest, how many."""

Until = Annotated[str | None, typer.Option(help="The last instant, ISO 8601; without a zone it is UTC.")]
Events = Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="An event file, NDJSON or CSV.")]
Pictures = Annotated[
    Path | None, typer.Option("--pictures", file_okay=False, help="A folder to write SVG pictures into.")
]


def register(app: typer.Typer) -> None:
    """Put the commands of this module on the command line."""
    app.command(cls=_Simulate)(simulate)
    app.command()(backtest)


class _Simulate(TyperCommand):
    """Which event a property belongs to is told by their order, which options alone do not keep."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The words, with each event and its properties as one."""
        from waypost.simulation import typed_events

        with failures_as_sentences():
            words = typed_events.joined(args)
        return super().parse_args(ctx, words)


def simulate(
    file: FileArgument,
    sets: Annotated[list[str] | None, typer.Option("--set", help="An attribute, as plan=team (JSON or text).")] = None,
    variant: Annotated[list[str] | None, typer.Option(help="The variant of a split, as tip-test=short.")] = None,
    event: Annotated[list[str] | None, typer.Option(help="What happens when, as '3 days: Order Completed'.")] = None,
    properties: Annotated[
        list[str] | None, typer.Option("--with", help="A property of the event before it, as total=120 (JSON or text).")
    ] = None,
    start: Annotated[str | None, typer.Option(help="When it begins, ISO 8601 (default: now).")] = None,
    days: Annotated[float, typer.Option(help="For how many days.", min=0.01, max=36_500)] = 90,
    cohort: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="A file of customers.")] = None,
    folder: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Follow one made-up customer (or a cohort) through a journey file.

    The customer enters at once; --event may be given several times. With --cohort everybody in the file does, with the
    attributes of their identify lines and the events of their track lines.
    """
    from journeys.program import compiler
    from journeys.simulation import paths
    from services.simulation import made_up
    from waypost.cli.tables import simulation as table
    from waypost.simulation import pictures, simulations, typed_events

    with failures_as_sentences(), parts() as made:
        definition = _load(file)
        program = made_up.with_an_entrance(compiler.compile_journey(definition))
        program = made_up.choosing(program, made_up.pairs_of(variant or [], "--variant"))
        begin = _instant(start, "--start") or datetime.now(UTC).replace(microsecond=0)
        until, context = begin + timedelta(days=days), simulations.context(made)
        if cohort is not None:
            histories, errors = _from_file(cohort, until)
            totals = _replayed(program, histories, until, context)
            return _tell(definition, totals, None, errors, folder, as_json)
        happens = [made_up.timed(one, begin) for one in event or []]
        customer = made_up.customer(program, begin, made_up.attributes(sets or []), happens)
        for told in typed_events.unheard(definition, [one.name for one in customer.events], context.segments):
            complaints.print(told, markup=False, highlight=False)
        enrollments = made_up.follow(program, customer, until, context.segments, context.terms)
        if folder is not None:
            _drawn(pictures.draw_path(folder, definition, enrollments, until))
        if as_json:
            return typer.echo(json.dumps([paths.as_json(one) for one in enrollments]))
        for one in enrollments:
            table.print_path(console, one)


def backtest(
    file: FileArgument,
    events: Events = None,
    begin: Annotated[str | None, typer.Option("--from", help="Use the store's events from this instant on.")] = None,
    to: Annotated[str | None, typer.Option("--to", help="Use the store's events up to this instant.")] = None,
    until: Until = None,
    against: Annotated[Path | None, typer.Option(exists=True, dir_okay=False, help="Another version.")] = None,
    folder: Pictures = None,
    as_json: JsonFlag = False,
) -> None:
    """Replay recorded events through a journey file: stages, movements, mails, and what would be skipped and why.

    Events come from a file, or from this installation's store. Nothing is stored and nobody is written to.
    """
    from journeys.program import compiler
    from waypost.simulation import simulations

    with failures_as_sentences(), parts() as made:
        journeys = [_load(file), *([_load(against)] if against else [])]
        first, end = _instant(begin, "--from"), _instant(until or to, "--until")
        histories, errors = _from_file(events, end) if events else (simulations.from_store(made, first, end), 0)
        if not histories:
            raise InvalidInput("there are no events to replay; give --events FILE, or --from and --to")
        last, context = end or max(one.events[-1].at for one in histories), simulations.context(made)
        totals = [_replayed(compiler.compile_journey(one), histories, last, context) for one in journeys]
        _tell(journeys[0], totals[0], totals[1] if against else None, errors, folder, as_json)


# -- what both share ---------------------------------------------------------------------------------------------------


def _load(file: Path) -> "Definition":
    """The journey of a file; warnings are told, errors end the command."""
    from journeys.checks import source

    journey, warnings = source.read(read(file))
    show_problems(tuple(one for one in warnings if one.code != "no_topic"))
    return journey


def _instant(text: str | None, option: str) -> datetime | None:
    from services.values import Rejected, instant

    try:
        return instant(text, option) if text else None
    except Rejected as wrong:
        raise InvalidInput(str(wrong)) from None


def _from_file(file: Path, until: datetime | None) -> "tuple[Histories, int]":
    """The customers of a file, and how many of its lines were left out, which are told."""
    from waypost.simulation import simulations

    histories, errors = simulations.from_file(file, until)
    for error in errors.first[:TOLD_ERRORS]:
        complaints.print(f"[yellow]line {error.line}[/] ", end="")
        complaints.print(error.reason, markup=False, highlight=False)
    if errors.count > TOLD_ERRORS:
        complaints.print(f"… and {errors.count - TOLD_ERRORS:,} more lines that were left out")
    return histories, errors.count


def _replayed(program: "Program", histories: "Histories", until: datetime, context: "SimulationContext") -> "Totals":
    """Everybody, with a bar that shows how far it is."""
    from waypost.simulation import simulations

    with progress_bar() as bar:
        task = bar.add_task("Replaying", total=len(histories))
        totals = simulations.replay(program, histories, until, context, lambda done: bar.update(task, completed=done))
    for one in totals.failures[:TOLD_ERRORS]:
        because = one.traceback.rstrip().rpartition("\n")[2]
        complaints.print(f"{one.customer}: it failed unexpectedly: {because}", markup=False, highlight=False)
    if totals.failed > TOLD_ERRORS:
        complaints.print(f"… and {totals.failed - TOLD_ERRORS:,} more customers whose path failed")
    return totals


def _tell(
    journey: "Definition", totals: "Totals", second: "Totals | None", errors: int, folder: Path | None, as_json: bool
) -> None:
    from waypost.cli.tables import simulation as table
    from waypost.simulation import pictures

    if folder is not None:
        _drawn(pictures.draw_totals(folder, journey, totals, second))
    if as_json:
        shown = totals.as_json() | {"errors": errors}
        return typer.echo(json.dumps(shown | ({"against": second.as_json()} if second else {})))
    table.print_totals(console, totals, second)
    if not totals.enrolled:
        listened = ", ".join(repr(one.on) for one in journey.enter if one.on) or "none by event"
        complaints.print(f"Nobody entered. The triggers listen to: {listened}", markup=False, highlight=False)


def _drawn(files: "Sequence[Path]") -> None:
    complaints.print("Drawn: " + ", ".join(str(file) for file in files), markup=False, highlight=False)
