"""Messages of which nobody can tell whether they went, as somebody picks them to decide about many at once."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, func, select

from store.statuses import UNSURE, MessageStatus
from store.tables.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class UnsureFilter:
    """Which of them; None lets every one through. `since` and `until` are when they became what they are (UTC)."""

    journey: str | None = None
    broadcast: str | None = None
    template: str | None = None
    status: MessageStatus | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


def count(session: Session, wanted: UnsureFilter) -> int:
    """How many there are."""
    return session.exec(select(func.count(col(Message.id))).where(*_of(wanted))).one()


def ids(session: Session, wanted: UnsureFilter, after: str, limit: int) -> Sequence[str]:
    """Their ids in order, behind `after`."""
    query = select(Message.id).where(*_of(wanted), col(Message.id) > after)
    return session.exec(query.order_by(col(Message.id)).limit(limit)).all()


def _of(wanted: UnsureFilter) -> list[Any]:
    named = ("journey", "broadcast", "template", "reason")
    where: list[Any] = [
        getattr(Message, name) == getattr(wanted, name) for name in named if getattr(wanted, name) is not None
    ]
    where.append(col(Message.status).in_([wanted.status] if wanted.status is not None else UNSURE))
    if wanted.since is not None:
        where.append(col(Message.updated_at) >= wanted.since)
    if wanted.until is not None:
        where.append(col(Message.updated_at) < wanted.until)
    return where
