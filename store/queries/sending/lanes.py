"""Lanes: who owns one, and what is due in it. Every question is answered from an index, however much waits.

The statuses stand in the statements as they are, not as parameters: so the database knows which partial index fits.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal, or_, union_all
from sqlmodel import Session, col, func, select

from store.queries.sending import restores
from store.queries.sending.holds import NOTHING_HELD
from store.queries.sending.restores import LostTime
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


_OWNER: Any = select(Lane.fence).where(Lane.name == bindparam("lane")).with_for_update(read=True)


def is_owner(session: Session, lane: str, fence: str) -> bool:
    """Whether a lane is this owner's still, and will be until the transaction ends: its row is held."""
    session.flush()
    return session.connection().execute(_OWNER, {"lane": lane}).scalar() == fence


def next_due(session: Session, lane: str) -> datetime | None:
    """When the next message of a lane may be claimed, or since when; None where none is planned, or all is held.

    Asked often, so that an idle lane takes no lock.
    """
    here = (Message.lane == lane, PLANNED, NOTHING_HELD)
    query = select(Message.not_before).where(*here).order_by(col(Message.not_before))
    return session.exec(query.limit(1)).first()


def oldest_due(session: Session, lane: str, now: datetime) -> datetime | None:
    """Since when the first of a lane's messages could have been claimed; None where none is due."""
    query = select(Message.not_before).where(Message.lane == lane, PLANNED, col(Message.not_before) <= now)
    return session.exec(query.order_by(col(Message.not_before)).limit(1)).first()


def journeys_with_planned(session: Session, lane: str) -> Sequence[str]:
    """The journeys with planned messages in a lane, one step in the index each, however much waits."""
    here = (Message.lane == lane, PLANNED)
    walk = select(func.min(Message.journey).label("journey")).where(*here).cte("walk", recursive=True)
    following = select(func.min(Message.journey)).where(*here, col(Message.journey) > walk.c.journey)
    walk = walk.union_all(select(following.correlate(walk).scalar_subquery()).where(walk.c.journey.is_not(None)))
    return session.exec(select(walk.c.journey).where(walk.c.journey.is_not(None))).all()


class DueMessage(NamedTuple):
    """A message whose time has come; in the order of the first fields it is its campaign's turn.

    `taken_at` and `restored_at` are the same for all: the time that was lost when a copy was last put in this
    database's place.
    """

    not_before: datetime
    id: str
    customer_id: str
    email: str | None
    taken_at: datetime | None
    restored_at: datetime | None

    @property
    def lost_time(self) -> LostTime | None:
        """None where this database never was a copy."""
        return None if self.taken_at is None or self.restored_at is None else LostTime(self.taken_at, self.restored_at)


def due_of_journeys(
    session: Session,
    lane: str,
    journeys: Mapping[str, Collection[str]],
    stopped: Sequence[str],
    limit: int,
    now: datetime,
) -> Mapping[str, Sequence[DueMessage]]:
    """The due messages of each journey, the oldest first, but for those of stopped topics and paused enrollments.

    `journeys` names with each the stages of it that are paused, whose mail waits too; `limit` at most of each.
    """
    query = (
        _due(col(Message.journey), limit, now)
        .outerjoin(Enrollment, col(Enrollment.id) == col(Message.enrollment_id))
        .where(Message.lane == lane, or_(col(Enrollment.paused).is_(None), ~col(Enrollment.paused)))
    )
    if stopped:
        query = query.where(col(Message.topic).notin_(stopped))
    queries: dict[str, Any] = {}
    for key, paused in journeys.items():
        of_journey = query.where(Message.journey == key)
        queries[key] = of_journey.where(col(Message.stage).notin_(paused)) if paused else of_journey
    return _by_campaign(session, queries)


def due_of_broadcasts(
    session: Session, broadcasts: Sequence[str], limit: int, now: datetime
) -> Mapping[str, Sequence[DueMessage]]:
    """The due messages of each broadcast, the oldest first, `limit` at most of each."""
    query = _due(col(Message.broadcast), limit, now)
    return _by_campaign(session, {key: query.where(Message.broadcast == key) for key in broadcasts})


def _due(campaign: Any, limit: int, now: datetime) -> Any:
    columns: Any = (
        campaign.label("campaign"), Message.not_before, Message.id, Message.customer_id, Message.email,
        restores.COPY_OF.scalar_subquery().label("taken_at"), restores.LAST.scalar_subquery().label("restored_at"),
    )  # fmt: skip
    query: Any = select(*columns)
    query = query.where(PLANNED, col(Message.not_before) <= now, NOTHING_HELD)
    return query.order_by(col(Message.not_before), col(Message.id)).limit(limit)


CAMPAIGNS_AT_ONCE = 100
"""SQLite puts 500 selects together at most; a hundred are compiled in a moment."""


def _by_campaign(session: Session, queries: Mapping[str, Any]) -> Mapping[str, Sequence[DueMessage]]:
    """What each query finds, many of them asked by one statement; each ends at its own limit, in its own index."""
    found: dict[str, list[DueMessage]] = {key: [] for key in queries}
    left = iter(queries.values())
    while some := list(islice(left, CAMPAIGNS_AT_ONCE)):
        parts = [select(one.subquery()) for one in some]
        together: Any = parts[0] if len(parts) == 1 else union_all(*parts)
        for campaign, *due in session.connection().execute(together):
            found[campaign].append(DueMessage(*due))
    return {key: sorted(those) for key, those in found.items()}


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
