"""Experiments: what their variants did, when they are looked at, and how they ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.tables.splits import Experiment


def of_journey(session: Session, journey: str) -> Mapping[str, Experiment]:
    """What is on record of the splits of a journey, by their ids."""
    return {one.split: one for one in session.exec(select(Experiment).where(Experiment.journey == journey)).all()}


def due(session: Session, now: datetime, limit: int) -> Sequence[Experiment]:
    """Those that are to be looked at, the longest overdue first."""
    query = select(Experiment).where(col(Experiment.next_look_at) <= now)
    return session.exec(query.order_by(col(Experiment.next_look_at)).limit(limit)).all()
