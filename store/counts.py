"""Maintained counts: how many stand at each step, and how often customers moved."""

import zlib
from collections import Counter
from collections.abc import Sequence

from sqlalchemy import func
from sqlmodel import Session, col, select

from store import bulk
from store.tables import Movement, StageCount

SHARDS = 16

Place = tuple[str, str, str]


class Tally:
    """Collects changes of counts and writes them as one statement per table."""

    def __init__(self) -> None:
        self.places: Counter[tuple[str, str, str, int]] = Counter()
        self.moves: Counter[tuple[str, str, str, int]] = Counter()

    def leave(self, enrollment: str, place: Place) -> None:
        self.places[(*place, _shard(enrollment))] -= 1

    def arrive(self, enrollment: str, place: Place) -> None:
        self.places[(*place, _shard(enrollment))] += 1

    def move(self, enrollment: str, journey: str, source: str, target: str, by: int = 1) -> None:
        self.moves[(journey, source, target, _shard(enrollment))] += by

    def write(self, session: Session) -> None:
        bulk.increment(session, StageCount, self.places, ("journey", "stage", "step", "shard"))
        bulk.increment(session, Movement, self.moves, ("journey", "source", "target", "shard"))


def _shard(enrollment: str) -> int:
    return zlib.crc32(enrollment.encode()) % SHARDS


def stages(session: Session, journey: str) -> dict[str, int]:
    """Live enrollments per stage."""
    total = func.sum(StageCount.count)
    query = select(StageCount.stage, total).where(StageCount.journey == journey).group_by(StageCount.stage)
    return {stage: int(count) for stage, count in session.exec(query) if count}


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
