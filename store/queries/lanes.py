"""Lanes: who owns one, and what is due in it. Every question is answered from an index, however much waits.

The statuses stand in the statements as they are, not as parameters: so the database knows which partial index fits.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import literal, or_
from sqlmodel import Session, col, func, select

from store.statuses import MessageStatus
from store.tables.enrollments import Enrollment
from store.tables.messages import Lane, Message

TRANSACTIONAL, JOURNEY, BROADCAST = LANES = ("transactional", "journey", "broadcast")
"""In the order in which they go before each other."""


def status_is(status: MessageStatus) -> Any:
    """The condition that a message has this status, for a partial index to be found by."""
    return col(Message.status) == literal(str(status), literal_execute=True)


PLANNED = status_is(MessageStatus.PLANNED)
"""`is_` of the status that a lane asks for most."""


def take_ownership(session: Session, lane: str, fence: str, now: datetime) -> None:
    """Become the owner of a lane; whoever owned it is fenced out from now on."""
    session.merge(Lane(name=lane, fence=fence, taken_at=now))


def is_owner(session: Session, lane: str, fence: str) -> bool:
    """Whether a lane is this owner's still, and will be until the transaction ends: its row is held."""
    owner = session.get(Lane, lane, with_for_update={"read": True}, populate_existing=True)
    return owner is not None and owner.fence == fence


def next_due(session: Session, lane: str) -> datetime | None:
    """When the next message of a lane may be claimed, or since when; None where none is planned.

    Asked often, so that an idle lane takes no lock.
    """
    query = select(Message.not_before).where(Message.lane == lane, PLANNED).order_by(col(Message.not_before))
    return session.exec(query.limit(1)).first()


def oldest_due(session: Session, lane: str, now: datetime) -> datetime | None:
    """Since when the first of a lane's messages could have been claimed; None where none is due."""
    query = select(Message.not_before).where(Message.lane == lane, PLANNED, col(Message.not_before) <= now)
    return session.exec(query.order_by(col(Message.not_before)).limit(1)).first()


def journeys_with_planned(session: Session, lane: str) -> Iterator[str]:
    """The journeys with planned messages in a lane, one step in the index each, however much waits."""
    here = select(func.min(Message.journey)).where(Message.lane == lane, PLANNED)
    key: Any = session.exec(here).one()
    while key is not None:
        yield key
        key = session.exec(here.where(col(Message.journey) > key)).one()


def due_of_journey(
    session: Session, lane: str, journey: str, stopped: Sequence[str], limit: int, now: datetime
) -> Sequence[Message]:
    """A journey's due messages, the oldest first, but for those of stopped topics and paused enrollments."""
    query = (
        select(Message)
        .outerjoin(Enrollment, col(Enrollment.id) == col(Message.enrollment_id))
        .where(Message.lane == lane, Message.journey == journey, PLANNED, col(Message.not_before) <= now)
        .where(or_(col(Enrollment.paused).is_(None), ~col(Enrollment.paused)))
    )
    if stopped:
        query = query.where(col(Message.topic).notin_(stopped))
    return session.exec(query.order_by(col(Message.not_before), col(Message.id)).limit(limit)).all()


def due_of_broadcast(session: Session, broadcast: str, limit: int, now: datetime) -> Sequence[Message]:
    """A broadcast's due messages, the oldest first."""
    query = select(Message).where(Message.broadcast == broadcast, PLANNED, col(Message.not_before) <= now)
    return session.exec(query.order_by(col(Message.not_before), col(Message.id)).limit(limit)).all()


def unknown(session: Session, lane: str, before: datetime, after: str, limit: int) -> Sequence[str]:
    """A page of messages of which nobody knows whether they went, by id, in the order of their ids.

    Those that nothing has changed since `before`, behind the id `after`, `limit` at most.
    """
    query = select(Message.id).where(
        Message.lane == lane,
        status_is(MessageStatus.UNKNOWN),
        col(Message.updated_at) < before,
        col(Message.id) > after,
    )
    return session.exec(query.order_by(col(Message.id)).limit(limit)).all()
