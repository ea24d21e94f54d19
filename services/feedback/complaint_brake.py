"""The complaint brake: mail that is complained about stops itself, by journey, broadcast and topic, and says so.

Gmail and Yahoo refuse a sender's mail from 0.3% complaints on, and want less than 0.1%. Asked when a complaint comes,
over the mails of the last thirty days, and only from a sample on in which one complaint is no rate.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import structlog
from sqlmodel import Session, col, func, select

from services.access import audit_log
from store.tables.broadcasts import Broadcast
from store.tables.definitions import Journey, Topic
from store.tables.messages import Message

WINDOW = timedelta(days=30)
SAMPLE = 1_000
STOP, WARN = 0.003, 0.001
REACHED = ("delivered", "opened", "clicked", "unsubscribed", "complained")
"""The last reports of mails that arrived."""

ACTOR = "the complaint brake"

Braked = Journey | Broadcast | Topic

log = structlog.get_logger("waypost.brakes")


def complained(session: Session, message: Message, now: datetime) -> None:
    """Look at everything that a mail belongs to after a complaint about it."""
    for kind, row, mine in _belongs_to(session, message, now):
        _look(session, kind, row, mine, now)


def _belongs_to(session: Session, message: Message, now: datetime) -> Iterator[tuple[str, Braked, Any]]:
    """The journey or broadcast, and the topic; with the condition that finds all mails of it."""
    journey = session.get(Journey, message.journey) if message.journey else None
    if journey is not None:
        yield "journey", journey, Message.journey == journey.key
    broadcast = session.get(Broadcast, message.broadcast) if message.broadcast else None
    if broadcast is not None:
        yield "broadcast", broadcast, Message.broadcast == broadcast.key
    topic = session.get(Topic, message.topic) or Topic(key=message.topic, created_at=now, updated_at=now)
    if not topic.transactional:
        yield "topic", topic, Message.topic == topic.key


def _look(session: Session, kind: str, row: Braked, mine: Any, now: datetime) -> None:
    """`stopped`, `warned`, or nothing where all is well."""
    arrived, complaints = _count(session, mine, REACHED, now), _count(session, mine, ("complained",), now)
    if arrived < SAMPLE or complaints / arrived <= WARN:
        return
    share = (
        f"{complaints:,} of {arrived:,} mails of the last 30 days were complained about ({complaints / arrived:.2%})"
    )
    stops = complaints / arrived > STOP
    row.alarm = f"{'stopped' if stops else 'warning'}: {share}; {'0.3%' if stops else '0.1%'} is the limit"
    log.warning("complaints", kind=kind, key=row.key, complaints=complaints, arrived=arrived, stopped=stops)
    if stops and row.paused_at is None:
        row.paused_at = now
        audit_log.record(session, ACTOR, "paused", kind, row.key, now, None, {"alarm": row.alarm})
    session.add(row)


def _count(session: Session, mine: Any, reports: tuple[str, ...], now: datetime) -> int:
    query = select(func.count(col(Message.id))).where(
        mine, col(Message.delivery).in_(reports), col(Message.accepted_at) > now - WINDOW
    )
    return session.exec(query).one()
