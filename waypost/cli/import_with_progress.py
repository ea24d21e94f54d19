"""`waypost import`: a file into the database, chunk by chunk, with progress; then the workflows start."""

import time
from pathlib import Path
from typing import Any

from rich.progress import Progress
from sqlalchemy.exc import IntegrityError

from services.definitions import journeys
from services.errors import InvalidInput
from services.imports import event_files, placement
from store import migrate
from store.queries import dispatches
from waypost.wiring import Parts

PATIENCE = 20.0


def run(parts: Parts, file: Path, journey: str | None, bar: Progress) -> dict[str, Any]:
    """Import a file; return counts and the lines that were wrong."""
    if migrate.pending(parts.database.engine):
        raise InvalidInput("the database lacks migrations; run `waypost up` or `waypost db upgrade` first")
    progress = event_files.Progress()
    with parts.database.reading() as session:
        live = journeys.live(session, journey) if journey else None
    reading = bar.add_task("Reading", total=None)
    grouped = event_files.read_file(file, parts.clock(), progress)
    bar.update(reading, total=len(grouped), completed=len(grouped))
    task = bar.add_task("Placing", total=len(grouped))
    for chunk in placement.chunks(grouped.items()):
        _take(parts, chunk, live, progress)
        bar.update(task, completed=progress.customers)
    if progress.enrolled:
        _await_starts(parts, progress.enrolled, bar)
    return {
        "customers": progress.customers,
        "events": progress.events,
        "enrolled": progress.enrolled,
        "repeated": progress.repeated,
        "error_count": progress.error_count,
        "errors": [{"line": error.line, "reason": error.reason} for error in progress.errors],
    }


def _take(parts: Parts, chunk: Any, live: Any, progress: event_files.Progress) -> None:
    """One chunk; when somebody else stored one of its customers at this very moment, it is worked out once more."""
    for last in (False, True):
        with parts.database.reading() as session:
            batch = placement.prepare(session, chunk, live, parts.clock())
        try:
            with parts.database.writing() as session:
                return placement.write(session, batch, progress)
        except IntegrityError:
            if last:
                raise


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
