"""Restored copies: when a copy was put in this database's place, and what it holds that may have gone since."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlmodel import Session, and_, col, func, or_, select

from store.ids import new_id
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.customers import Event
from store.tables.messages import Message, Restore

HELD = (MessageStatus.CLAIMED, MessageStatus.SENDING)
"""What somebody had in their hands when the copy was taken."""


def add(session: Session, taken_at: datetime, now: datetime) -> None:
    """Keep that this database is a copy of `taken_at`, put in its place now."""
    session.add(Restore(id=new_id("rst"), taken_at=taken_at, restored_at=now))
    session.flush()


LAST: Any = select(func.max(Restore.restored_at))
"""When a copy was last put in this database's place; null where it never was. Lanes ask it in their statement."""

COPY_OF: Any = select(Restore.taken_at).order_by(col(Restore.restored_at).desc()).limit(1)
"""The instant of which that copy is."""


class LostTime(NamedTuple):
    """From the instant of which a copy is until it was put in this database's place: nobody here knows of it."""

    taken_at: datetime
    restored_at: datetime


def perhaps_sent(session: Session, by: datetime, limit: int) -> Sequence[Message]:
    """A page of what was in somebody's hands, or could have been claimed by then; locked, in the order of their ids.

    What was deferred until before then would have been planned again, and claimed.
    """
    due = and_(col(Message.status).in_(CLAIMABLE), col(Message.not_before) <= by)
    query = select(Message).where(or_(due, col(Message.status).in_(HELD)))
    return session.exec(query.order_by(col(Message.id)).limit(limit).with_for_update()).all()


def said_again(session: Session, customer_ids: Collection[str]) -> Mapping[str, timedelta]:
    """Of these, whoever's events of the lost time of the last restore came (once more) after it: how late, at most."""
    lost = and_(
        Restore.restored_at == LAST.scalar_subquery(),
        col(Event.at) > Restore.taken_at,
        col(Event.at) <= Restore.restored_at,
        col(Event.received_at) > Restore.restored_at,
    )
    query = select(Event.customer_id, func.min(Event.at), func.max(Event.received_at)).join(Restore, lost)
    query = query.where(col(Event.customer_id).in_(customer_ids), col(Event.fires)).group_by(Event.customer_id)
    return {customer_id: received_at - at for customer_id, at, received_at in session.exec(query)}
