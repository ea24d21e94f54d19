"""The complaint brake: mail that is complained about stops itself, by journey, broadcast and topic, and says so.

Gmail and Yahoo refuse a sender's mail from 0.3% complaints on, and want less than 0.1%. Asked when a complaint comes,
over the mails of the last thirty days (whole days, in UTC, from kept counts), and only from a sample on in which one
complaint is no rate.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

import structlog
from sqlmodel import Session

from services.access import audit_log
from store.queries.figures import message_counts
from store.queries.figures.message_counts import CountedSubject
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


def check_rates(session: Session, mails: Sequence[Message], now: datetime) -> None:
    """Look at everything that mails belong to after complaints about them, once each.

    What is over the limit pauses, on record; what comes near it has an alarm.
    """
    for subject, key in dict.fromkeys(name for one in mails for name in _belongs_to(one)):
        row = _row(session, subject, key, now)
        if row is not None:
            _look(session, subject, row, now)


def _belongs_to(message: Message) -> Iterator[tuple[CountedSubject, str]]:
    """The journey or broadcast, and the topic."""
    if message.journey:
        yield "journey", message.journey
    if message.broadcast:
        yield "broadcast", message.broadcast
    yield "topic", message.topic


def _row(session: Session, subject: CountedSubject, key: str, now: datetime) -> Braked | None:
    """What can be stopped; transactional mail is not, and a topic without terms gets some for it."""
    if subject == "journey":
        return session.get(Journey, key)
    if subject == "broadcast":
        return session.get(Broadcast, key)
    topic = session.get(Topic, key) or Topic(key=key, created_at=now, updated_at=now)
    return None if topic.transactional else topic


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
