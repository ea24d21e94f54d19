"""The lifecycle in numbers: who stands where, how customers move, how long they stay.

All but the cohorts are counts that are kept, not scanned for.
"""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, func, select

from store import dialect
from store.queries import counts
from store.statuses import EnrollmentStatus
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment


def lifecycle(session: Session, journey: str | None = None) -> dict[str, Any]:
    """Customers per stage and movements between stages, of one journey, or of the lifecycle journey."""
    key = journey or next(iter(lifecycle_journeys(session)), None)
    if key is None:
        return {"journey": None, "stages": {}, "steps": [], "movements": {}, "time_in_stage": {}}
    steps = [
        {"stage": stage, "step": step or None, "count": count}
        for (stage, step), count in sorted(counts.steps(session, key).items())
    ]
    stays = {
        stage: {"left": left, "mean_days": round(seconds / left / 86_400, 3)}
        for stage, (left, seconds) in counts.stays(session, key).items()
    }
    return {
        "journey": key,
        "stages": counts.stages(session, key),
        "steps": steps,
        "movements": counts.movements(session, key),
        "time_in_stage": stays,
    }


def cohorts(session: Session, journey: str) -> list[dict[str, Any]]:
    """Who entered in which month, and where they stand now (or how their run ended)."""
    where = func.coalesce(Enrollment.reason, Enrollment.stage)
    month = func.substr(dialect.of(session).month(Enrollment.entered_at), 1, 7)
    query = select(month, Enrollment.status, where, func.count(col(Enrollment.id)))
    rows = session.exec(query.where(Enrollment.journey == journey).group_by(month, Enrollment.status, where)).all()
    found: dict[str, dict[str, Any]] = {}
    for name, status, place, count in sorted(rows):
        cohort = found.setdefault(name, {"month": name, "entered": 0, "stages": {}, "ended": {}})
        cohort["entered"] += count
        cohort["stages" if status == EnrollmentStatus.LIVE else "ended"][place] = count
    return list(found.values())


def on_the_map(session: Session, key: str) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """How many stand at each stage and step, and how many moved from stage to stage."""
    flows = {tuple(way.split("->", 1)): count for way, count in counts.movements(session, key).items()}
    return counts.steps(session, key), {(way[0], way[1]): count for way, count in flows.items() if way[0]}


def lifecycle_journeys(session: Session) -> Sequence[str]:
    """The published journeys whose stage is the customer's lifecycle stage."""
    query = select(Journey.key).where(col(Journey.lifecycle), col(Journey.live_version).is_not(None))
    return session.exec(query.order_by(col(Journey.key))).all()
