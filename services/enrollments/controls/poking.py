"""Pokes: an enrollment is to look at what has happened. It is stored, so nobody stands still unseen where one is lost.

A poke carries nothing. Where it does not lead to a wake within OVERDUE, the upkeep pokes again.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import enrollments

OVERDUE = timedelta(minutes=10)
"""After so long an enrollment that had to act is overdue: long after any queue of a healthy installation is empty."""

MOST_COUNTED = 10_000
"""Overdue enrollments that are counted at most: beyond, the number tells nothing more."""


def poke(session: Session, workflows: Mapping[str, str], now: datetime, priority: Priority = Priority.SIGNAL) -> None:
    """Poke these enrollments; `workflows` are their workflows' ids, by their own."""
    enrollments.mark_poked(session, workflows.keys(), now)
    dispatches.add(session, [dispatches.row(*one, "poke", {}, priority, now) for one in workflows.items()])


def any_overdue(session: Session, now: datetime) -> bool:
    """Whether there is somebody for `nudge`."""
    return bool(enrollments.overdue(session, now - OVERDUE, 1))


def nudge(session: Session, now: datetime, limit: int) -> int:
    """Poke who is overdue, each once in OVERDUE; return how many."""
    found = enrollments.overdue(session, now - OVERDUE, limit)
    for one in found:
        one.nudged_at = now
        session.add(one)
    rows = [dispatches.row(one.id, one.workflow_id, "poke", {}, Priority.SIGNAL, now) for one in found]
    dispatches.add(session, rows)
    return len(found)


def pass_over(session: Session, now: datetime, error: str) -> None:
    """The first of them is left alone for OVERDUE."""
    for one in enrollments.overdue(session, now - OVERDUE, 1)[:1]:
        one.nudged_at = now
        session.add(one)


def count_overdue(session: Session, now: datetime) -> int:
    """How many are overdue, MOST_COUNTED at most of those late by the clock and of those that were poked."""
    return enrollments.count_overdue(session, now - OVERDUE, MOST_COUNTED)
