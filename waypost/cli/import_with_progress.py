"""`waypost import` of events: a file into the database, chunk by chunk, with progress; then the workflows start.

What raises unexpectedly is told line by line, with its traceback, and stops nobody else's history.
"""

import time
import traceback
from collections import Counter
from collections.abc import Iterator, Sequence
from datetime import datetime
from itertools import chain, islice
from pathlib import Path
from typing import Any

from rich.progress import Progress
from sqlmodel import Session

from services.errors import InvalidInput
from services.imports.files import file_form
from services.imports.files.file_form import FileForm, FormRecognition
from services.imports.histories import event_histories
from services.imports.histories.joined_profiles import Work
from services.imports.placing import placement, placing_known
from services.imports.placing.placement import Placed
from services.imports.placing.placing_known import LeftAlone, ToPlace
from services.operations.item_pages import in_halves, line_error
from services.operations.operations import LineError
from store import migrate
from store.queries.definitions.journeys import LiveJourney
from store.queries.dispatching import dispatches
from waypost.cli.terminal import complaints
from waypost.wiring import Parts

PATIENCE = 20.0
"""Seconds without a start after which nobody is waited for: no worker runs, and one will start them when it does."""

COUNTED = ("events", "enrolled", "repeated")
"""What is told of an import beside its customers, as `Placed` counts it."""

ABOVE = "its traceback stands above"
"""Where it is told of what a command does."""

TRACEBACKS = 20
"""Tracebacks that are told: one mistake of ours may be in everybody's way."""


STAGED = 5_000
"""Lines between two moves of the bar while the file is sorted on disk."""


def run(parts: Parts, file: Path, recognition: FormRecognition, journey: str | None, bar: Progress) -> dict[str, Any]:
    """Import a file; return how it is written, counts, and the lines that were wrong.

    `recognition` knows what the caller said of how it is written.
    """
    if migrate.pending(parts.database.engine):
        raise InvalidInput("the database lacks migrations; run `waypost up` or `waypost db upgrade` first")
    errors, counts, left = event_histories.LineErrors(), Counter[str](), dict[str, LeftAlone]()
    with parts.database.reading() as session:
        live = placing_known.journey_of(session, journey) if journey else None
    with event_histories.Sorted() as ordered:
        form = _sort(file, recognition, ordered, parts.clock(), errors, bar)
        task = bar.add_task("Placing", total=ordered.lines)
        for chunk in placement.chunks(ordered.customers(parts.clock())):
            for error in _place_each(parts, chunk, live, counts, left):
                errors.add(error)
            bar.advance(task, sum(len(events) for _, events in chunk))
        for error in _place_known(parts, ordered, live, counts, bar) if live is not None else ():
            errors.add(error)
    if counts["enrolled"]:
        _await_starts(parts, counts["enrolled"], bar)
    return {
        "file": {"encoding": form.encoding, "delimiter": form.delimiter, "line_ends": form.line_ends},
        **{name: counts[name] for name in ("customers", *COUNTED)},
        **(placing_known.told(left.values()) if live is not None else {}),
        "error_count": errors.count,
        "errors": [{"line": error.line, "reason": error.reason} for error in errors.first],
    }


def _sort(
    file: Path,
    recognition: FormRecognition,
    ordered: event_histories.Sorted,
    now: datetime,
    errors: event_histories.LineErrors,
    bar: Progress,
) -> FileForm:
    """Read the file twice: how it is written, then what it says, which is sorted on disk."""
    with file.open("rb") as opened:
        form = file_form.recognise(opened, recognition)
        reading = bar.add_task("Reading", total=form.records)
        lines, read = event_histories.records(opened, form), 0
        while batch := list(islice(lines, STAGED)):
            for error in ordered.add(batch, now):
                errors.add(error)
            read += len(batch)
            bar.update(reading, completed=read)
        bar.update(reading, total=read)  # a table's lines are more than its records
    return form


def _place_each(
    parts: Parts,
    chunk: Sequence[Work],
    live: LiveJourney | None,
    counts: Counter[str],
    left: dict[str, LeftAlone],
) -> Iterator[LineError]:
    """Customers together or, where that raises, by halves; count what was taken, and tell what was not."""
    names = set[str]()

    def place(part: Sequence[Work]) -> Sequence[LineError]:
        placed = _place(parts, part, live)
        names.update(name for name, _ in part)
        left.update(placed.left_alone)
        counts.update({name: getattr(placed, name) for name in COUNTED})
        return placed.errors

    def failed(one: Work, error: Exception) -> Sequence[LineError]:
        _tell(error, counts)
        return [line_error(event.line or 0, error, more=ABOVE) for event in one[1]]

    def split(one: Work) -> Sequence[Work]:
        with parts.database.reading() as session:
            return placement.fail_alone(session, one)

    yield from chain(*in_halves(chunk, place, failed, split))
    counts["customers"] += len(names)


def _place_known(
    parts: Parts, ordered: event_histories.Sorted, journey: LiveJourney, counts: Counter[str], bar: Progress
) -> Iterator[LineError]:
    """Those who were customers before, now that all events are there; in the same way."""

    def place(part: Sequence[ToPlace]) -> Sequence[LineError]:
        counts["enrolled"] += parts.database.write(
            lambda session: placing_known.place(session, journey, part, parts.clock)
        )
        return ()

    def failed(one: ToPlace, error: Exception) -> Sequence[LineError]:
        _tell(error, counts)
        return [line_error(one.named.line, error, f"{one.customer} is not placed", more=ABOVE)]

    task = bar.add_task("Placing those known", total=ordered.named)
    for chunk in placing_known.to_place(parts.database, journey, ordered.names(), placement.CHUNK):
        yield from chain(*in_halves(chunk, place, failed))
        bar.update(task, completed=chunk[-1].named.number)
    bar.update(task, completed=ordered.named)


def _tell(error: Exception, counts: Counter[str]) -> None:
    counts["failed"] += 1
    if counts["failed"] <= TRACEBACKS:
        complaints.print("".join(traceback.format_exception(error)), markup=False, highlight=False)


def _place(parts: Parts, chunk: Sequence[Work], live: LiveJourney | None) -> Placed:
    """One chunk, worked out before the writer's lock is taken; where another came between, it is worked out anew."""
    with parts.database.reading() as session:
        prepared = [placement.prepare(session, chunk, live, parts.clock())]

    def write(session: Session) -> Placed:
        batch = prepared.pop() if prepared else placement.prepare(session, chunk, live, parts.clock())
        return placement.write(session, batch)

    return parts.database.write(write)


def _await_starts(parts: Parts, total: int, bar: Progress) -> None:
    """Watch the worker start the workflows; without a worker they start when one comes."""
    task = bar.add_task("Starting", total=total)
    left, moved = total, time.monotonic()
    while left and time.monotonic() - moved < PATIENCE:
        with parts.database.reading() as session:
            now_left = dispatches.starts_left(session)
        if now_left < left:
            left, moved = now_left, time.monotonic()
        bar.update(task, completed=max(0, total - left))
        time.sleep(0.1 if left else 0)
    if left:
        bar.console.print(f"{left:,} workflows are still to start; a running worker (`waypost up`) starts them.")
