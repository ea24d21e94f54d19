"""Experiments: what their variants did, when they are looked at, and how they ended."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from store.tables.splits import Assignment, Experiment


def of_journey(session: Session, journey: str) -> Mapping[str, Experiment]:
    """What is on record of the splits of a journey, by their ids."""
    return {one.split: one for one in session.exec(select(Experiment).where(Experiment.journey == journey)).all()}


def due(session: Session, now: datetime, limit: int) -> Sequence[Experiment]:
    """Those that are to be looked at, the longest overdue first."""
    query = select(Experiment).where(col(Experiment.next_look_at) <= now)
    return session.exec(query.order_by(col(Experiment.next_look_at)).limit(limit)).all()


def revenue(session: Session, journey: str) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    """Split, variant and revenue of each who converted: rows of conversions alone, found by their index."""
    query: Any = select(Assignment.split, Assignment.variant, Assignment.revenue)
    query = query.where(Assignment.journey == journey, col(Assignment.converted_at).is_not(None))
    rows: Any = session.connection().execute(query)
    yield from rows
