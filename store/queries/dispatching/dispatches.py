"""The way from the database to Temporal: rows added with what caused them, leased by a dispatcher, gone when done."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import IntEnum
from typing import Any, NamedTuple

from sqlalchemy import bindparam, delete, exists, or_, update
from sqlalchemy import select as select_columns
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from store import bulk
from store.statuses import DispatchStatus
from store.tables.enrollments import Dispatch
from store.trace_context import CURRENT

STUCK_AFTER = 8
"""Attempts: with ever longer waits between them (half a second, then twice as long each time), about a minute."""

KINDS = ("start", "poke", "restart", "end", "operate")
"""What a row does to a workflow."""

COUNTED = 100_000
"""Rows of a kind that are counted: some milliseconds along an index. What a larger queue holds is told by its age."""


class Priority(IntEnum):
    """Live signals before single starts before bulk starts."""

    SIGNAL = 1
    START = 2
    BULK_START = 3


WAKING = ("start", "poke")
"""Kinds of rows at which somebody is waked, before Temporal hears of it or instead of that."""


class RowToWake(NamedTuple):
    """A row at which somebody is to be waked."""

    id: int
    enrollment_id: str
    kind: str
    trace: str | None


_WAKE_COLUMNS: Any = tuple(getattr(Dispatch, name) for name in RowToWake._fields)

_TO_WAKE: Any = (
    select_columns(*_WAKE_COLUMNS)
    .where(bulk.among(Dispatch.priority, "priorities"))
    .where(col(Dispatch.status) == DispatchStatus.TO_WAKE)
    .order_by(col(Dispatch.priority), col(Dispatch.id))
    .limit(bindparam("most"))
)

_ANY_READY: Any = (
    select_columns(col(Dispatch.id))
    .where(bulk.among(Dispatch.priority, "priorities"))
    .where(col(Dispatch.status) == DispatchStatus.READY)
    .limit(1)
)


_HOLD_TO_WAKE: Any = (
    select_columns(*_WAKE_COLUMNS)
    .where(bulk.among(Dispatch.id, "ids"), col(Dispatch.status) == DispatchStatus.TO_WAKE)
    .order_by(col(Dispatch.id))
    .with_for_update(skip_locked=True)
)

_EARLIER = aliased(Dispatch)
_LEASE: Any = (
    select(Dispatch)
    .where(
        col(Dispatch.status) == DispatchStatus.READY,
        bulk.among(Dispatch.priority, "priorities"),
        or_(col(Dispatch.not_before).is_(None), col(Dispatch.not_before) <= bindparam("now")),
        or_(col(Dispatch.leased_until).is_(None), col(Dispatch.leased_until) < bindparam("now")),
        ~exists().where(col(_EARLIER.enrollment_id) == Dispatch.enrollment_id, col(_EARLIER.id) < Dispatch.id),
    )
    .order_by(col(Dispatch.priority), col(Dispatch.id))
    .limit(bindparam("most"))
    .with_for_update(skip_locked=True)
)


def row(
    enrollment_id: str,
    workflow_id: str,
    kind: str,
    payload: dict[str, Any],
    priority: Priority,
    now: datetime,
    *,
    waked: bool = False,
) -> bulk.ColumnValues:
    """The columns of a row that sends `kind` to a workflow; rows of one `enrollment_id` go in order.

    `waked` says that what is due is the workflow's to do, and nobody's ahead of it.
    """
    return {
        "enrollment_id": enrollment_id,
        "workflow_id": workflow_id,
        "kind": kind,
        "payload": payload,
        "status": DispatchStatus.TO_WAKE if kind in WAKING and not waked else DispatchStatus.READY,
        "priority": int(priority),
        "attempts": 0,
        "created_at": now,
        "trace": CURRENT.get(),
    }


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Put rows on their way."""
    bulk.add(session, Dispatch, rows)


def to_wake(session: Session, priorities: Sequence[Priority], limit: int) -> Sequence[RowToWake]:
    """Rows of these priorities at which somebody is to be waked, the most urgent first; asked often, without a lock."""
    found = session.connection().execute(_TO_WAKE, {"priorities": [int(one) for one in priorities], "most": limit})
    return [RowToWake._make(one) for one in found]


def hold_to_wake(session: Session, ids: Sequence[int]) -> Sequence[RowToWake]:
    """Those of these rows that are still to be waked at and that nobody holds: ours until the transaction ends."""
    return [RowToWake._make(one) for one in session.connection().execute(_HOLD_TO_WAKE, {"ids": ids})]


def waked(session: Session, ids: Sequence[int]) -> None:
    """Temporal is to hear of these rows now."""
    if ids:
        here = col(Dispatch.id).in_(ids), col(Dispatch.status) == DispatchStatus.TO_WAKE
        session.connection().execute(update(Dispatch).where(*here).values(status=DispatchStatus.READY))


def lease(
    session: Session, now: datetime, limit: int, hold: timedelta, priorities: Sequence[Priority]
) -> Sequence[Dispatch]:
    """The next rows of these priorities, each the first of its enrollment, held against other dispatchers.

    The most urgent priority first, then the order in which they were added; `hold` is how long nobody else gets them.
    Rows that another dispatcher is looking at are passed over.
    """
    asked = {"priorities": [int(one) for one in priorities], "now": now, "most": limit}
    rows: Sequence[Dispatch] = session.exec(_LEASE, params=asked).all()
    if rows:
        until, ids = now + hold, [one.id for one in rows]
        session.connection().execute(update(Dispatch).where(col(Dispatch.id).in_(ids)).values(leased_until=until))
    return rows


def any_ready(session: Session, priorities: Sequence[Priority]) -> bool:
    """Whether a lease may find something; asked often, so that an idle dispatcher takes no lock."""
    return (
        session.connection().execute(_ANY_READY, {"priorities": [int(one) for one in priorities]}).first() is not None
    )


def starts_left(session: Session) -> int:
    """How many enrollments have not been started in Temporal yet."""
    return session.exec(select(func.count(col(Dispatch.id))).where(Dispatch.kind == "start")).one()


def oldest(
    session: Session, priorities: Sequence[Priority], now: datetime, status: DispatchStatus = DispatchStatus.READY
) -> datetime | None:
    """Since when the first of these rows that may go now, or is to be waked at, has waited; None where none does."""
    query = select(Dispatch.created_at).where(
        col(Dispatch.priority).in_([int(one) for one in priorities]),
        Dispatch.status == status,
        or_(col(Dispatch.not_before).is_(None), col(Dispatch.not_before) <= now),
        _behind_no(DispatchStatus.STUCK),
    )
    return session.exec(query.order_by(col(Dispatch.priority), col(Dispatch.id)).limit(1)).first()


def _behind_no(status: DispatchStatus) -> Any:
    """That no row of this status, of the same enrollment, is to go first."""
    earlier = aliased(Dispatch)
    same = col(earlier.enrollment_id) == Dispatch.enrollment_id, col(earlier.id) < Dispatch.id
    return ~exists().where(*same, col(earlier.status) == status)


def waiting(session: Session) -> tuple[int, datetime | None]:
    """How many rows are on their way, and since when the first that goes by itself is (None: there is none).

    As `by_kind` counts them, the stuck among them; these, and what waits behind them, wait for a person, and late is
    who waits for us. The first by its id, which is one look: the oldest by its instant would be sought in all rows.
    """
    count = sum(by_kind(session).values())
    if not count:
        return 0, None
    ways = (DispatchStatus.TO_WAKE, DispatchStatus.READY)
    asked = [
        select(Dispatch.created_at)
        .where(Dispatch.status == status, _behind_no(DispatchStatus.STUCK))
        .order_by(col(Dispatch.id))
        .limit(1)
        for status in ways
    ]
    found = session.connection().execute(select_columns(*(one.scalar_subquery() for one in asked))).one()
    return count, min((at for at in found if at is not None), default=None)


def by_kind(session: Session, at_most: int = COUNTED) -> dict[str, int]:
    """How many rows of each kind (`start`, `poke`, …) are on their way; of a kind `at_most` are counted."""
    return _counted(session, at_most)


def stuck(session: Session, at_most: int = COUNTED) -> int:
    """How many rows are set aside for a person; `at_most` are counted."""
    query = select(Dispatch.status).where(Dispatch.status == DispatchStatus.STUCK).limit(at_most)
    return session.exec(select(func.count()).select_from(query.subquery())).one()


def stuck_by_kind(session: Session, at_most: int = COUNTED) -> dict[str, int]:
    """How many rows of each kind are set aside for a person; of a kind `at_most` are counted."""
    return _counted(session, at_most, col(Dispatch.status) == DispatchStatus.STUCK)


def _counted(session: Session, at_most: int, *which: Any) -> dict[str, int]:
    """The kinds of which there are any, each counted along its own stretch of the index."""
    found = [select(Dispatch.kind).where(Dispatch.kind == kind, *which).limit(at_most).subquery() for kind in KINDS]
    counts = [select_columns(func.count()).select_from(one).scalar_subquery() for one in found]
    return {
        kind: count
        for kind, count in zip(KINDS, session.connection().execute(select_columns(*counts)).one(), strict=True)
        if count
    }


def remove_arrived(session: Session, ids: Sequence[int]) -> None:
    """Take away rows that have arrived; what waited behind them is free to go."""
    if ids:
        session.connection().execute(delete(Dispatch).where(col(Dispatch.id).in_(ids)))


def record_failure(
    session: Session, one: Dispatch, error: str, now: datetime, *, lasting: bool = False
) -> DispatchStatus:
    """Try again later, ever more slowly (half a second doubled, up to five minutes); only this enrollment waits.

    `lasting` says that waiting alone mends nothing: STUCK_AFTER attempts that end so, the last two alike, set the row
    aside. Returns the status it has now.
    """
    delay = timedelta(seconds=min(2.0**one.attempts / 2, 300))
    stuck = lasting and one.error == error and one.attempts + 1 >= STUCK_AFTER
    status = DispatchStatus.STUCK if stuck else DispatchStatus.READY
    values = {
        "status": status,
        "attempts": one.attempts + 1,
        "error": error,
        "not_before": now + delay,
        "leased_until": None,
    }
    session.connection().execute(update(Dispatch).where(col(Dispatch.id) == one.id).values(**values))
    return status


def locked(session: Session, row_id: int) -> Dispatch | None:
    """A row that nobody else changes until the transaction ends; None where it has gone, or never was."""
    return session.get(Dispatch, row_id, with_for_update=True)


def retry(session: Session, row_id: int) -> bool:
    """Let a row that is stuck go again, at once; False where none of this id is."""
    return _set_free(session, row_id, update(Dispatch).values(status=DispatchStatus.READY, attempts=0, not_before=None))


def cancel(session: Session, row_id: int) -> bool:
    """Give a row up that is stuck; False where none of this id is."""
    return _set_free(session, row_id, delete(Dispatch))


def _set_free(session: Session, row_id: int, statement: Any) -> bool:
    here = statement.where(col(Dispatch.id) == row_id, col(Dispatch.status) == DispatchStatus.STUCK)
    return session.connection().execute(here).rowcount == 1
