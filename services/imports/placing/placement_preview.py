"""What an import of events into a journey would come to: it is done, chunk by chunk, and each chunk is undone.

So its numbers are the import's, but for what one chunk would find of another: a message id that comes again further
down counts as new, and a customer's further names as somebody's own history.
"""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime
from itertools import chain, islice
from typing import Any, BinaryIO

from sqlmodel import Session

from services.imports.files.file_form import FileForm
from services.imports.histories import event_histories
from services.imports.histories.joined_profiles import Work
from services.imports.histories.names_in_files import NamedOnce
from services.imports.placing import placement, placing_known
from services.imports.placing.placement import Placed
from services.imports.placing.placing_known import LeftAlone
from services.operations.item_pages import in_halves, line_error
from services.operations.operations import LineError
from store.queries.definitions.journeys import LiveJourney
from store.session import Database

MOST = 100_000
"""Events of a file that is tried, since a request waits for it."""

STAGED = 5_000
"""Records in memory while the file is sorted on disk."""

COUNTED = ("events", "enrolled", "repeated")


class _Undone(Exception):
    """What became of customers, which is undone by raising it."""

    def __init__(self, placed: Placed, enrolled: int) -> None:
        self.placed, self.enrolled = placed, enrolled


def count(
    database: Database, file: BinaryIO, form: FileForm, journey: LiveJourney, now: datetime
) -> tuple[dict[str, Any] | None, Sequence[LineError]]:
    """The result that the import would have, and the lines that can be read and would not be taken.

    There is no result for a file of more than MOST events.
    """
    file.seek(0)
    counts, left, errors = Counter[str](), dict[str, LeftAlone](), list[LineError]()
    with event_histories.Sorted() as ordered:
        lines = event_histories.records(file, form)
        while batch := list(islice(lines, STAGED)):
            ordered.add(batch, now)
            if ordered.lines > MOST:
                return None, ()
        for chunk in placement.chunks(ordered.customers(now)):
            errors += _try(database, chunk, journey, now, counts, left)
    numbers = {name: counts[name] for name in ("customers", *COUNTED)}
    return {**numbers, **placing_known.told(left.values())}, errors


def _try(
    database: Database,
    chunk: Sequence[Work],
    journey: LiveJourney,
    now: datetime,
    counts: Counter[str],
    left: dict[str, LeftAlone],
) -> Sequence[LineError]:
    """Customers together or, where that raises, by halves, as the import does it."""
    names = set[str]()

    def do(part: Sequence[Work]) -> Sequence[LineError]:
        try:
            database.write(lambda session: _and_undo(session, part, journey, now))
        except _Undone as undone:
            placed = undone.placed
            names.update(name for name, _ in part)
            left.update(placed.left_alone)
            counts.update({name: getattr(placed, name) for name in COUNTED})
            counts["enrolled"] += undone.enrolled
            return placed.errors
        raise AssertionError("what is tried is undone")

    def failed(one: Work, error: Exception) -> Sequence[LineError]:
        return [line_error(event.line or 0, error) for event in one[1]]

    def split(one: Work) -> Sequence[Work]:
        with database.reading() as session:
            return placement.fail_alone(session, one)

    errors = list(chain(*in_halves(chunk, do, failed, split)))
    counts["customers"] += len(names)
    return errors


def _and_undo(session: Session, part: Sequence[Work], journey: LiveJourney, now: datetime) -> None:
    placed = placement.write(session, placement.prepare(session, part, journey, now))
    names = [NamedOnce(number, name, 0) for number, (name, _) in enumerate(part, start=1)]
    known = placing_known.looked_up(session, journey, names)
    raise _Undone(placed, placing_known.place(session, journey, known, lambda: now))
