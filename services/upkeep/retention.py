"""What is kept for a time and no longer: rendered bodies, rejections, ended operations, answers to repeats.

And the days of series that are over: what many wrote side by side becomes one row each, so that years are read fast.
"""

from datetime import datetime, timedelta

from sqlmodel import Session

from services.access import idempotency, sessions
from services.installation import installation_settings
from store.queries import mail_results, message_bodies, operations, rejections, series

PAGE = 200
"""Rows of a kind that go in one transaction: a body takes 0.2 ms, and who wants to write waits for 50 ms at most."""


LATE = timedelta(hours=1)
"""How long after midnight a day is left open: what happened on its evening is written for a while."""


def prune(session: Session, now: datetime) -> int:
    """Let go of a page of what has passed its time; return how many rows that were."""
    kept = installation_settings.load(session).retention
    idempotency.prune(session, now)
    sessions.prune(session, now)
    count = 0
    if kept.bodies is not None:
        count += message_bodies.forget(session, now - timedelta(days=kept.bodies), PAGE)
    if kept.rejections is not None:
        count += rejections.forget(session, now - timedelta(days=kept.rejections), PAGE)
    if kept.operations is not None:
        count += operations.forget(session, now - timedelta(days=kept.operations), PAGE)
    today = series.day_of(now - LATE, series.zone_of(session))
    return count + series.close(session, today, PAGE) + mail_results.close(session, today, PAGE)
