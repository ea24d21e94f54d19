"""Broadcasts, whom their files name, and what became of their mails."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, func, or_, select

from store import bulk
from store.statuses import (
    BROADCAST_ACTIVE,
    BROADCAST_OPEN,
    COUNTED,
    ON_THE_WAY,
    BroadcastStatus,
    MessageStatus,
)
from store.tables.broadcasts import Broadcast, BroadcastMember
from store.tables.messages import Message

AT_ONCE = 20
"""Broadcasts that the clock wakes in one transaction: each is a handful of statements."""


def keys(session: Session) -> frozenset[str]:
    """The keys of all broadcasts."""
    return frozenset(session.exec(select(Broadcast.key)).all())


def every_one(session: Session) -> Sequence[Broadcast]:
    """All of them, drafts and sent ones too, in no order."""
    return session.exec(select(Broadcast)).all()


def under_way(session: Session) -> Sequence[Broadcast]:
    """Those whose mails may go now: active and not paused, by key."""
    query = select(Broadcast).where(col(Broadcast.status).in_(BROADCAST_ACTIVE), col(Broadcast.paused_at).is_(None))
    return session.exec(query.order_by(col(Broadcast.key))).all()


def by_keys(session: Session, keys: Collection[str]) -> Sequence[Broadcast]:
    """The broadcasts with these keys; no statement where none is asked for."""
    return session.exec(select(Broadcast).where(col(Broadcast.key).in_(keys))).all() if keys else []


def due(session: Session, now: datetime, limit: int = AT_ONCE) -> Sequence[Broadcast]:
    """Those that have something to do by the clock, the longest overdue first; `limit` at most."""
    query = select(Broadcast).where(
        col(Broadcast.status).in_((BroadcastStatus.SCHEDULED, *BROADCAST_ACTIVE)),
        col(Broadcast.wake_at) <= now,
        col(Broadcast.paused_at).is_(None),
    )
    return session.exec(query.order_by(col(Broadcast.wake_at), col(Broadcast.key)).limit(limit)).all()


def unfinished(session: Session) -> Sequence[Broadcast]:
    """Those that may still send something: neither sent nor cancelled; in no order."""
    return session.exec(select(Broadcast).where(col(Broadcast.status).in_(BROADCAST_OPEN))).all()


# -- whom a file names -------------------------------------------------------------------------------------------------


def count_named(session: Session, key: str) -> int:
    """How many customers a file has named for it."""
    query = select(func.count(col(BroadcastMember.customer_id))).where(BroadcastMember.broadcast == key)
    return session.exec(query).one()


def named_ids(session: Session, key: str, after: str, limit: int) -> Sequence[str]:
    """A page of the ids of the customers that a file has named, in their order, behind the id `after`."""
    query = select(BroadcastMember.customer_id)
    query = query.where(BroadcastMember.broadcast == key, col(BroadcastMember.customer_id) > after)
    return session.exec(query.order_by(col(BroadcastMember.customer_id)).limit(limit)).all()


def named_among(session: Session, key: str, customer_ids: Sequence[str]) -> Sequence[str]:
    """Those of the customers that a file has named, in no order."""
    found = bulk.matching(session, BroadcastMember, ("customer_id",), "customer_id", customer_ids, {"broadcast": key})
    return [one for (one,) in found]


def forget_named(session: Session, key: str) -> None:
    """Let go of whom a file has named."""
    session.connection().execute(delete(BroadcastMember).where(col(BroadcastMember.broadcast) == key))


# -- its mails ---------------------------------------------------------------------------------------------------------


def planned_for(session: Session, key: str, customer_ids: Sequence[str]) -> set[str]:
    """Those of the customers who have a mail of this broadcast already, whatever became of it."""
    query = select(Message.customer_id).where(Message.broadcast == key, col(Message.customer_id).in_(customer_ids))
    return set(session.exec(query).all())


def had_by(
    session: Session, keys: Collection[str], customer_ids: Collection[str], emails: Collection[str]
) -> set[tuple[str, str]]:
    """Broadcast and whose, where these customers, or addresses, have had, or may have had, one of these broadcasts.

    Whose it is, is told by the customer's id and by the address.
    """
    query = select(col(Message.broadcast), col(Message.customer_id), col(Message.email)).where(
        col(Message.broadcast).in_(keys),
        or_(col(Message.customer_id).in_(customer_ids), col(Message.email).in_(emails)),
        col(Message.status).in_(COUNTED),
    )
    return {(key or "", who) for key, *both in session.exec(query) for who in both if who is not None}


def going_to(session: Session, key: str, emails: Collection[str]) -> set[str]:
    """Those of the addresses that a mail of this broadcast goes to, or went to."""
    query = select(col(Message.email)).where(
        Message.broadcast == key, col(Message.email).in_(emails), Message.status != MessageStatus.SKIPPED
    )
    return {one for one in session.exec(query) if one is not None} if emails else set()


def any_unsent(session: Session, key: str) -> bool:
    """Whether a mail of it may still go by itself."""
    query = select(Message.id).where(Message.broadcast == key, col(Message.status).in_(ON_THE_WAY)).limit(1)
    return session.exec(query).first() is not None
