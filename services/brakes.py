"""The complaint brake: a journey whose mail is complained about stops itself, and says so.

Gmail and Yahoo refuse a sender's mail from 0.3% complaints on, and want less than 0.1%. Asked when a complaint comes,
over the mails of the last thirty days, and only from a sample on in which one complaint is no rate.
"""

from datetime import datetime, timedelta

import structlog
from sqlmodel import Session, col, func, select

from services import auditing
from store.tables import Journey, Message

WINDOW = timedelta(days=30)
SAMPLE = 1_000
STOP, WARN = 0.003, 0.001
REACHED = ("delivered", "opened", "clicked", "unsubscribed", "complained")
"""The last reports of mails that arrived."""

ACTOR = "the complaint brake"

log = structlog.get_logger("waypost.brakes")


def complained(session: Session, key: str, now: datetime) -> str | None:
    """Look at a journey after a complaint; `stopped`, `warned`, or None where all is well."""
    journey = session.get(Journey, key)
    arrived, complaints = _count(session, key, REACHED, now), _count(session, key, ("complained",), now)
    if journey is None or arrived < SAMPLE or complaints / arrived <= WARN:
        return None
    share = (
        f"{complaints:,} of {arrived:,} mails of the last 30 days were complained about ({complaints / arrived:.2%})"
    )
    stops = complaints / arrived > STOP
    journey.alarm = f"{'stopped' if stops else 'warning'}: {share}; {'0.3%' if stops else '0.1%'} is the limit"
    log.warning("complaints", journey=key, complaints=complaints, arrived=arrived, stopped=stops)
    if stops and journey.paused_at is None:
        journey.paused_at = now
        auditing.record(session, ACTOR, "paused", "journey", key, now, None, {"alarm": journey.alarm})
    session.add(journey)
    return "stopped" if stops else "warned"


def _count(session: Session, key: str, reports: tuple[str, ...], now: datetime) -> int:
    query = select(func.count(col(Message.id))).where(
        Message.journey == key, col(Message.delivery).in_(reports), col(Message.accepted_at) > now - WINDOW
    )
    return session.exec(query).one()
