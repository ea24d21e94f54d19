"""The complaint brake: mail that is complained about stops itself, by journey, broadcast and topic, and says so.

Gmail and Yahoo refuse a sender's mail from 0.3% complaints on, and want less than 0.1%. Asked when a complaint comes,
over the mails of the last thirty days (whole days, in UTC, from kept counts), and only from a sample on in which one
complaint is no rate.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from services.access import audit_log
from store.queries import message_counts
from store.queries.message_counts import CountedSubject
from store.tables.broadcasts import Broadcast
from store.tables.definitions import Journey, Topic
from store.tables.messages import Message

WINDOW = timedelta(days=30)
"""Long enough to make a sample of, short enough for an old mistake to be over."""

SAMPLE = 1_000
"""Mails that must have arrived: three complaints of a thousand are the rate that stops; one of ten is none."""

STOP, WARN = 0.003, 0.001
"""The shares at which Gmail and Yahoo refuse a sender, and below which they want to see one."""

ACTOR = "the complaint brake"
"""Who pauses, in the audit log."""

Braked = Journey | Broadcast | Topic
"""What can be stopped by itself."""

log = structlog.get_logger("waypost.brakes")


def check_rates(session: Session, message: Message, now: datetime) -> None:
    """Look at everything that a mail belongs to after a complaint about it.

    What is over the limit pauses, on record; what comes near it has an alarm.
    """
    for subject, row in _belongs_to(session, message, now):
        _look(session, subject, row, now)


def _belongs_to(session: Session, message: Message, now: datetime) -> Iterator[tuple[CountedSubject, Braked]]:
    """The journey or broadcast, and the topic."""
    journey = session.get(Journey, message.journey) if message.journey else None
    if journey is not None:
        yield "journey", journey
    broadcast = session.get(Broadcast, message.broadcast) if message.broadcast else None
    if broadcast is not None:
        yield "broadcast", broadcast
    topic = session.get(Topic, message.topic) or Topic(key=message.topic, created_at=now, updated_at=now)
    if not topic.transactional:
        yield "topic", topic


def _look(session: Session, subject: CountedSubject, row: Braked, now: datetime) -> None:
    """Stop it, or warn, where too many complain."""
    came = message_counts.came_back(session, subject, row.key, now - WINDOW)
    arrived, complaints = came.get("arrived", 0), came.get("complained", 0)
    if arrived < SAMPLE or complaints / arrived <= WARN:
        return
    share = (
        f"{complaints:,} of {arrived:,} mails of the last 30 days were complained about ({complaints / arrived:.2%})"
    )
    stops = complaints / arrived > STOP
    row.alarm = f"{'stopped' if stops else 'warning'}: {share}; {'0.3%' if stops else '0.1%'} is the limit"
    log.warning("complaints", kind=subject, key=row.key, complaints=complaints, arrived=arrived, stopped=stops)
    if stops and row.paused_at is None:
        row.paused_at = now
        audit_log.record(session, ACTOR, "paused", subject, row.key, now, None, {"alarm": row.alarm})
    session.add(row)
