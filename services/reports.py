"""Counts that are kept, not scanned for."""

from collections.abc import Sequence
from typing import Any

from sqlmodel import Session, col, select

from store import counts
from store.tables import Journey


def lifecycle(session: Session, journey: str | None = None) -> dict[str, Any]:
    """Customers per stage and movements between stages, of one journey, or of the lifecycle journey."""
    key = journey or next(iter(lifecycle_journeys(session)), None)
    if key is None:
        return {"journey": None, "stages": {}, "steps": [], "movements": {}}
    steps = [
        {"stage": stage, "step": step or None, "count": count}
        for (stage, step), count in sorted(counts.steps(session, key).items())
    ]
    return {
        "journey": key,
        "stages": counts.stages(session, key),
        "steps": steps,
        "movements": counts.movements(session, key),
    }


def on_the_map(session: Session, key: str) -> tuple[dict[tuple[str, str], int], dict[tuple[str, str], int]]:
    """How many stand at each stage and step, and how many moved from stage to stage."""
    flows = {tuple(way.split("->", 1)): count for way, count in counts.movements(session, key).items()}
    return counts.steps(session, key), {(way[0], way[1]): count for way, count in flows.items() if way[0]}


def lifecycle_journeys(session: Session) -> Sequence[str]:
    """The published journeys whose stage is the customer's lifecycle stage."""
    query = select(Journey.key).where(col(Journey.lifecycle), col(Journey.live_version).is_not(None))
    return session.exec(query.order_by(col(Journey.key))).all()
