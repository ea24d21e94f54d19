"""What is kept for a time and no longer: bodies, rejections, ended operations, lost uploads, answers to repeats.

And the days of series that are over: what many wrote side by side becomes one row each, so that years are read fast.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from services.access import idempotency
from services.access.signing_in import sessions
from services.installation import installation_settings
from store.queries.figures import mail_results, series
from store.queries.history import rejections
from store.queries.mails import message_bodies
from store.queries.upkeep import operations

PAGE = 200
"""Rows of a kind that go in one transaction: a body takes 0.2 ms, and who wants to write waits for 50 ms at most."""

PARTS = 20
"""The same of parts of uploaded files, half a megabyte each."""

UNASKED = timedelta(days=1)
"""How long a file is kept for which no work was asked: longer than anybody uploads one."""

LATE = timedelta(hours=1)
"""How long after midnight a day is left open: what happened on its evening is written for a while."""


def _answers(session: Session, now: datetime) -> int:
    idempotency.prune(session, now)
    return 0


def _sessions(session: Session, now: datetime) -> int:
    sessions.prune(session, now)
    return 0


def _bodies(session: Session, now: datetime) -> int:
    days = installation_settings.load(session).retention.bodies
    return message_bodies.forget(session, now - timedelta(days=days), PAGE) if days is not None else 0


def _rejections(session: Session, now: datetime) -> int:
    days = installation_settings.load(session).retention.rejections
    return rejections.forget(session, now - timedelta(days=days), PAGE) if days is not None else 0


def _operations(session: Session, now: datetime) -> int:
    days = installation_settings.load(session).retention.operations
    return operations.forget(session, now - timedelta(days=days), PAGE) if days is not None else 0


def _uploads(session: Session, now: datetime) -> int:
    return operations.drop_unasked_files(session, now - UNASKED, PARTS)


def _series(session: Session, now: datetime) -> int:
    return series.close(session, series.day_of(now - LATE, series.zone_of(session)), PAGE)


def _mail_results(session: Session, now: datetime) -> int:
    return mail_results.close(session, series.day_of(now - LATE, series.zone_of(session)), PAGE)


CHORES: Mapping[str, Callable[[Session, datetime], int]] = {
    "answers": _answers,
    "sessions": _sessions,
    "bodies": _bodies,
    "rejections": _rejections,
    "operations": _operations,
    "uploads": _uploads,
    "series": _series,
    "mail results": _mail_results,
}
"""What lets go of a page of one kind, and returns how many rows that were; zero where nothing is left."""


def prune(session: Session, now: datetime) -> int:
    """Let go of a page of each kind that has passed its time; return how many rows that were."""
    return sum(chore(session, now) for chore in CHORES.values())
