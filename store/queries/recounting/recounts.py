"""Rows counted anew, to prove the counts that are kept.

It takes seconds where there are millions, so nobody who only looks waits for it.
"""

from typing import Any

from sqlmodel import Session, col, func, select

from store.tables.enrollments import Enrollment
from store.tables.messages import Message

ByStatus = dict[tuple[str, str], int]
"""A journey's or broadcast's key and a status, and how many rows have it."""


def enrollments(session: Session) -> ByStatus:
    """Enrollments by journey and status."""
    return _by_status(session, Enrollment.journey, Enrollment.status)


def messages_of_journeys(session: Session) -> ByStatus:
    """Messages by journey and status; those of broadcasts under the empty key."""
    return _by_status(session, Message.journey, Message.status)


def messages_of_broadcasts(session: Session) -> ByStatus:
    """Messages by broadcast and status."""
    return _by_status(session, Message.broadcast, Message.status, col(Message.broadcast).is_not(None))


def _by_status(session: Session, key: Any, status: Any, *where: Any) -> ByStatus:
    query: Any = select(key, status, func.count()).where(*where).group_by(key, status)
    return {(name, of): count for name, of, count in session.exec(query).all()}
