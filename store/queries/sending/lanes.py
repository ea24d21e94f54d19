"""Lanes: who owns one, and what is due in it. Every question is answered from an index, however much waits.

The statuses stand in the statements as they are, not as parameters: so the database knows which partial index fits.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from sqlalchemy import bindparam, literal_column, or_, union_all
from sqlalchemy import select as select_columns
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
    return col(Message.status) == literal_column(f"'{status}'")


PLANNED = status_is(MessageStatus.PLANNED)
"""`is_` of the status that a lane asks for most."""

KEPT = 32
"""Statements over several campaigns that are kept: one over a hundred of them takes a quarter of a megabyte."""

_IN_LANE: Any = Message.lane == bindparam("lane")
_FENCE: Any = select_columns(col(Lane.fence)).where(col(Lane.name) == bindparam("lane")).with_for_update(read=True)
_NEXT_DUE: Any = (
    select_columns(col(Message.not_before))
    .where(_IN_LANE, PLANNED, NOTHING_HELD)
    .order_by(col(Message.not_before))
    .limit(1)
)
_UNKNOWN: Any = (
    select_columns(col(Message.id))
    .where(_IN_LANE, status_is(MessageStatus.UNKNOWN))
    .where(col(Message.updated_at) < bindparam("before"), col(Message.id) > bindparam("after"))
    .order_by(col(Message.id))
    .limit(bindparam("most"))
)


def _journeys_with_planned() -> Any:
    here = (_IN_LANE, PLANNED)
    walk = select(func.min(Message.journey).label("journey")).where(*here).cte("walk", recursive=True)
    following = select(func.min(Message.journey)).where(*here, col(Message.journey) > walk.c.journey)
    walk = walk.union_all(select(following.correlate(walk).scalar_subquery()).where(walk.c.journey.is_not(None)))
    return select_columns(walk.c.journey).where(walk.c.journey.is_not(None))


_JOURNEYS_WITH_PLANNED = _journeys_with_planned()


def take_ownership(session: Session, lane: str, fence: str, now: datetime) -> None:
    """Become the owner of a lane; whoever owned it is fenced out from now on."""
    session.merge(Lane(name=lane, fence=fence, taken_at=now))


def is_owner(session: Session, lane: str, fence: str) -> bool:
    """Whether a lane is this owner's still, and will be until the transaction ends: its row is held."""
    session.flush()
    return session.connection().execute(_FENCE, {"lane": lane}).scalar() == fence


def next_due(session: Session, lane: str) -> datetime | None:
    """When the next message of a lane may be claimed, or since when; None where none is planned, or all is held.

    Asked often, so that an idle lane takes no lock.
    """
    return session.connection().execute(_NEXT_DUE, {"lane": lane}).scalar()


def oldest_due(session: Session, lane: str, now: datetime) -> datetime | None:
    """Since when the first of a lane's messages could have been claimed; None where none is due."""
    query = select(Message.not_before).where(Message.lane == lane, PLANNED, col(Message.not_before) <= now)
    return session.exec(query.order_by(col(Message.not_before)).limit(1)).first()


def journeys_with_planned(session: Session, lane: str) -> Sequence[str]:
    """The journeys with planned messages in a lane, one step in the index each, however much waits."""
    return session.connection().execute(_JOURNEYS_WITH_PLANNED, {"lane": lane}).scalars().all()


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
    given = {"lane": lane, "stopped": list(stopped), "now": now, "most": limit}
    return _by_campaign(session, partial(_of_journeys, stopped=bool(stopped)), journeys, given)


def due_of_broadcasts(
    session: Session, broadcasts: Sequence[str], limit: int, now: datetime
) -> Mapping[str, Sequence[DueMessage]]:
    """The due messages of each broadcast, the oldest first, `limit` at most of each."""
    return _by_campaign(session, _of_broadcasts, dict.fromkeys(broadcasts, ()), {"now": now, "most": limit})


@lru_cache(maxsize=KEPT)
def _of_journeys(paused: Sequence[bool], *, stopped: bool) -> Any:
    """What is due of as many journeys; of each, whether stages of it are paused."""
    query = (
        _due(col(Message.journey))
        .outerjoin(Enrollment, col(Enrollment.id) == col(Message.enrollment_id))
        .where(_IN_LANE, or_(col(Enrollment.paused).is_(None), ~col(Enrollment.paused)))
    )
    if stopped:
        query = query.where(col(Message.topic).notin_(bindparam("stopped", expanding=True)))
    queries = [query.where(Message.journey == bindparam(f"key{number}")) for number in range(len(paused))]
    for number, some in enumerate(paused):
        if some:
            waits = bindparam(f"paused{number}", expanding=True)
            queries[number] = queries[number].where(col(Message.stage).notin_(waits))
    return _together(queries)


@lru_cache(maxsize=KEPT)
def _of_broadcasts(paused: Sequence[bool]) -> Any:
    query = _due(col(Message.broadcast))
    return _together([query.where(Message.broadcast == bindparam(f"key{number}")) for number in range(len(paused))])


def _together(queries: Sequence[Any]) -> Any:
    parts = [select_columns(one.subquery()) for one in queries]
    return parts[0] if len(parts) == 1 else union_all(*parts)


def _due(campaign: Any) -> Any:
    columns: Any = (
        campaign.label("campaign"), Message.not_before, Message.id, Message.customer_id, Message.email,
        restores.COPY_OF.scalar_subquery().label("taken_at"), restores.LAST.scalar_subquery().label("restored_at"),
    )  # fmt: skip
    query: Any = select(*columns)
    query = query.where(PLANNED, col(Message.not_before) <= bindparam("now"), NOTHING_HELD)
    return query.order_by(col(Message.not_before), col(Message.id)).limit(bindparam("most"))


CAMPAIGNS_AT_ONCE = 100
"""SQLite puts 500 selects together at most; a hundred are compiled in a moment."""


def _by_campaign(
    session: Session,
    statement: Callable[[tuple[bool, ...]], Any],
    campaigns: Mapping[str, Collection[str]],
    given: Mapping[str, Any],
) -> Mapping[str, Sequence[DueMessage]]:
    """What is due of each, many of them asked by one statement; each ends at its own limit, in its own index."""
    found: dict[str, list[DueMessage]] = {key: [] for key in campaigns}
    left = iter(campaigns.items())
    while some := list(islice(left, CAMPAIGNS_AT_ONCE)):
        asked = dict(given)
        for number, (key, paused) in enumerate(some):
            asked |= {f"key{number}": key, f"paused{number}": list(paused)}
        query = statement(tuple(bool(paused) for _, paused in some))
        for campaign, *due in session.connection().execute(query, asked):
            found[campaign].append(DueMessage(*due))
    return {key: sorted(those) for key, those in found.items()}


def unknown(session: Session, lane: str, before: datetime, after: str, limit: int) -> Sequence[str]:
    """A page of messages of which nobody knows whether they went, by id, in the order of their ids.

    Those that nothing has changed since `before`, behind the id `after`, `limit` at most.
    """
    asked = {"lane": lane, "before": before, "after": after, "most": limit}
    return session.connection().execute(_UNKNOWN, asked).scalars().all()
