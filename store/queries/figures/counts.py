"""Maintained counts: how many stand at each step, and how often customers moved."""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import Session, col, select

from store import bulk
from store.queries.figures import series
from store.queries.figures.series import DayTally
from store.session import collection_of
from store.tables.enrollments import Movement, RunCount, StageCount

SHARDS = 16
"""Rows into which one count is split, by enrollment: so many customers at the same step can move at once. More would
make every sum longer."""

StepPlace = tuple[str, str, str]
"""Where an enrollment stands: journey, stage, step. The empty step is resting behind the last one."""

ENDED, CONVERTED, ERASED, DATE_UNKNOWN = "ended", "converted", "erased", "date_unknown"
"""Names of run counts: runs ended by reason; conversions by credited template; runs of erased customers by status;
dates that were waited for and could not be told, by reason."""

ASSIGNED, VARIANT_CONVERTED = "assigned", "variant_converted"
"""Names of run counts of splits: customers who were given a variant, by `of_variant` with the weights that it was given
by; those of them who converted, by `of_variant`."""


def of_variant(split: str, variant: str, weights: Mapping[str, int] | None = None) -> str:
    """The label under which a variant of a split counts; both are keys, which have no `|`, `,` or `=`."""
    by = ",".join(f"{name}={weight}" for name, weight in sorted((weights or {}).items()))
    return f"{split}|{variant}|{by}" if by else f"{split}|{variant}"


class Tally:
    """Collects changes of counts and writes them as one statement per table; `tally` gives a transaction's own.

    Every method is told the enrollment, whose id chooses the shard: the same one always, so that a count never goes
    below zero in one shard and above in another.
    """

    def __init__(self) -> None:
        self.places: Counter[tuple[str, str, str, int]] = Counter()
        self.moves: Counter[tuple[str, str, str, int]] = Counter()
        self.stays: Counter[tuple[str, str, str, int]] = Counter()
        self.runs: Counter[tuple[str, str, str, int]] = Counter()
        self.days = DayTally()

    def leave(self, enrollment: str, place: StepPlace) -> None:
        """A live enrollment is no longer at this place."""
        self.places[(*place, _shard(enrollment))] -= 1

    def arrive(self, enrollment: str, place: StepPlace) -> None:
        """A live enrollment is at this place now."""
        self.places[(*place, _shard(enrollment))] += 1

    def move(
        self, enrollment: str, journey: str, source: str, target: str, at: datetime, stay: timedelta | None = None
    ) -> None:
        """From stage to stage at `at`, after a `stay` in the first (counted in whole seconds; None: not known).

        Entry comes from the stage "".
        """
        shard = _shard(enrollment)
        key = (journey, source, target, shard)
        self.moves[key] += 1
        self.days.move(journey, source, target, at, shard)
        if stay is not None:
            self.stays[key] += int(stay.total_seconds())
            self.days.stay(journey, source, stay.total_seconds(), at, shard)

    def end(self, enrollment: str, journey: str, stage: str, reason: str, at: datetime, since: datetime) -> None:
        """A run ended for a reason at `at`, in a stage in which it had been `since`."""
        shard = _shard(enrollment)
        self.count(enrollment, journey, ENDED, reason)
        self.days.leave(journey, stage, reason, at, shard)
        self.days.stay(journey, stage, (at - since).total_seconds(), at, shard)

    def count(self, enrollment: str, journey: str, name: str, label: str, by: int = 1) -> None:
        """A run count (ENDED, CONVERTED, …) under a label; `by` is -1 where it is taken back."""
        self.runs[(journey, name, label, _shard(enrollment))] += by

    def add(self, other: "Tally") -> None:
        """Take over what another one has collected."""
        self.places.update(other.places)
        self.moves.update(other.moves)
        self.stays.update(other.stays)
        self.runs.update(other.runs)
        self.days.add(other.days)

    def write(self, session: Session) -> None:
        """Add what was collected to the counts, near the commit, since it locks their rows; and begin anew."""
        bulk.increment(session, StageCount, _ones(self.places), ("journey", "stage", "step", "shard"))
        moves = {key: (count, self.stays[key]) for key, count in self.moves.items()}
        names = ("journey", "source", "target", "shard")
        bulk.increment(session, Movement, moves, names, ("count", "seconds"))
        bulk.increment(session, RunCount, _ones(self.runs), ("journey", "name", "label", "shard"))
        series.tally(session).add(self.days)
        for counter in (self.places, self.moves, self.stays, self.runs):
            counter.clear()
        self.days = DayTally()


def tally(session: Session) -> Tally:
    """What this transaction changes; it is written before the commit."""
    return collection_of(session, Tally)


def _ones(counts: Counter[Any]) -> dict[Any, tuple[int]]:
    return {key: (count,) for key, count in counts.items()}


def _shard(enrollment: str) -> int:
    return zlib.crc32(enrollment.encode()) % SHARDS


def stages(session: Session, journey: str) -> dict[str, int]:
    """Live enrollments per stage."""
    total = func.sum(StageCount.count)
    query = select(StageCount.stage, total).where(StageCount.journey == journey).group_by(StageCount.stage)
    return {stage: int(count) for stage, count in session.exec(query) if count}


def all_stages(session: Session) -> dict[tuple[str, str], int]:
    """Live enrollments by journey and stage; of a stage that everybody has left, 0."""
    query = select(StageCount.journey, StageCount.stage, func.sum(StageCount.count))
    rows = session.exec(query.group_by(col(StageCount.journey), col(StageCount.stage)))
    return {(journey, stage): int(count) for journey, stage, count in rows}


def steps(session: Session, journey: str) -> dict[tuple[str, str], int]:
    """Live enrollments per stage and step; the empty step is resting behind the last one."""
    total = func.sum(StageCount.count)
    query = select(StageCount.stage, StageCount.step, total).where(StageCount.journey == journey)
    rows = session.exec(query.group_by(StageCount.stage, StageCount.step))
    return {(stage, step): int(count) for stage, step, count in rows if count}


def movements(session: Session, journey: str) -> dict[str, int]:
    """`"a->b"` → times; entry is `"->a"`."""
    total = func.sum(Movement.count)
    query = select(Movement.source, Movement.target, total).where(Movement.journey == journey)
    rows: Sequence[tuple[str, str, int]] = session.exec(
        query.group_by(Movement.source, Movement.target).order_by(col(Movement.source), col(Movement.target))
    ).all()
    return {f"{source}->{target}": int(count) for source, target, count in rows if count}


def entered(session: Session) -> dict[str, int]:
    """How many enrollments each journey has ever had."""
    query = select(Movement.journey, func.sum(Movement.count)).where(Movement.source == "")
    return {journey: int(count) for journey, count in session.exec(query.group_by(Movement.journey))}


def live(session: Session) -> dict[str, int]:
    """Live enrollments of each journey."""
    query = select(StageCount.journey, func.sum(StageCount.count)).group_by(StageCount.journey)
    return {journey: int(count) for journey, count in session.exec(query)}


def labels(session: Session, name: str) -> dict[str, dict[str, int]]:
    """A run count (ENDED, CONVERTED, …) by journey and label."""
    query = select(RunCount.journey, RunCount.label, func.sum(RunCount.count)).where(RunCount.name == name)
    found: dict[str, dict[str, int]] = {}
    for journey, label, count in session.exec(query.group_by(RunCount.journey, RunCount.label)):
        if count:
            found.setdefault(journey, {})[label] = int(count)
    return found


def stays(session: Session, journey: str) -> dict[str, tuple[int, int]]:
    """For each stage that somebody has left: how often, and the seconds they had spent there, all together."""
    query = select(Movement.source, func.sum(Movement.count), func.sum(Movement.seconds))
    rows = session.exec(query.where(Movement.journey == journey, Movement.source != "").group_by(Movement.source))
    return {stage: (int(count), int(seconds)) for stage, count, seconds in rows if count}


def runs(session: Session, journey: str, name: str) -> dict[str, int]:
    """A run count (ENDED, CONVERTED, …) of a journey by its labels."""
    query = select(RunCount.label, func.sum(RunCount.count))
    rows = session.exec(query.where(RunCount.journey == journey, RunCount.name == name).group_by(RunCount.label))
    return {label: int(count) for label, count in rows if count}
