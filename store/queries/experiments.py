"""Experiments: what their variants did, when they are looked at, and how they ended."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from store.tables.splits import Assignment, Experiment

Amounts = Mapping[tuple[str, str], Mapping[str, list[float]]]
"""By split and variant what each customer who spent something was worth, by currency."""


def of_journey(session: Session, journey: str) -> Mapping[str, Experiment]:
    """What is on record of the splits of a journey, by their ids."""
    return {one.split: one for one in session.exec(select(Experiment).where(Experiment.journey == journey)).all()}


def due(session: Session, now: datetime, limit: int) -> Sequence[Experiment]:
    """Those that are to be looked at, the longest overdue first."""
    query = select(Experiment).where(col(Experiment.next_look_at) <= now)
    return session.exec(query.order_by(col(Experiment.next_look_at)).limit(limit)).all()


def amounts(session: Session, journey: str) -> Amounts:
    """What those who converted were worth: rows of conversions alone, found by their index."""
    found: defaultdict[tuple[str, str], defaultdict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    query: Any = select(Assignment.split, Assignment.variant, Assignment.revenue)
    query = query.where(Assignment.journey == journey, col(Assignment.converted_at).is_not(None))
    for split, variant, revenue in session.exec(query).all():
        for currency, amount in revenue.items():
            found[split, variant][currency].append(amount)
    return found
