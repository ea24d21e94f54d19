"""Who is to be waked ahead of their workflow, and whose workflow is behind and is to be poked."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import bindparam, exists, update
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, select

from store import bulk
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Dispatch, Enrollment


class WorkflowRow(NamedTuple):
    """What is to be known of an enrollment to start its workflow, to poke it, or to begin it anew where it is lost."""

    id: str
    workflow_id: str
    status: EnrollmentStatus
    digest: str
    state: Mapping[str, Any]
    wakes: int
    wakes_at: datetime | None
    follow_at: datetime | None


LOOKED_AT, ANOTHER_LOOK = 200, timedelta(minutes=1)
"""Workflows that are behind and looked at together, and when one for which a row is on its way is looked at again:
where Temporal was away, the starts of a hundred thousand are."""

_COLUMNS: Any = tuple(getattr(Enrollment, name) for name in WorkflowRow._fields)


def _first(column: Any) -> Any:
    return select_columns(column).where(column.is_not(None)).order_by(column).limit(1).scalar_subquery()


_NEXT: Any = select_columns(_first(col(Enrollment.due_at)), _first(col(Enrollment.follow_at)))

_WORKFLOWS: Any = select_columns(*_COLUMNS).where(bulk.among(Enrollment.id, "ids"))

_DUE: Any = (
    select_columns(col(Enrollment.id))
    .where(col(Enrollment.due_at) <= bindparam("now"))
    .order_by(col(Enrollment.due_at), col(Enrollment.id))
    .limit(bindparam("most"))
)

_BEHIND: Any = (
    select_columns(exists().where(col(Dispatch.enrollment_id) == col(Enrollment.id)), *_COLUMNS)
    .where(col(Enrollment.follow_at) <= bindparam("now"))
    .order_by(col(Enrollment.follow_at), col(Enrollment.id))
    .limit(LOOKED_AT)
    .with_for_update(skip_locked=True, of=Enrollment)
)


def workflows(session: Session, ids: Collection[str]) -> dict[str, WorkflowRow]:
    """The workflows of those of these that are there, by the enrollments' ids; no statement where none is asked for."""
    if not ids:
        return {}
    rows: Any = session.connection().execute(_WORKFLOWS, {"ids": list(ids)})
    return {one[0]: WorkflowRow._make(one) for one in rows}


def next_due(session: Session) -> datetime | None:
    """When the next enrollment is to be waked ahead of its workflow, or since when; None where none is."""
    return next_due_and_behind(session)[0]


def next_due_and_behind(session: Session) -> tuple[datetime | None, datetime | None]:
    """`next_due`, and when the next workflow that is behind is to be poked; asked often, and so in one statement."""
    row: Any = session.connection().execute(_NEXT).one()
    return row[0], row[1]


def due(session: Session, now: datetime, limit: int) -> Sequence[str]:
    """The ids of those that are to be waked ahead of their workflows by now, the longest due first."""
    return session.connection().execute(_DUE, {"now": now, "most": limit}).scalars().all()


def not_due(session: Session, enrollment_id: str) -> None:
    """It is waked by its workflow alone, until one has waked it."""
    session.connection().execute(update(Enrollment).where(col(Enrollment.id) == enrollment_id).values(due_at=None))


def due_later(session: Session, enrollment_id: str, now: datetime, at: datetime) -> None:
    """One that is due now is to be waked ahead of its workflow at this instant, unless somebody has waked it by now."""
    here = col(Enrollment.id) == enrollment_id, col(Enrollment.due_at) <= now
    session.connection().execute(update(Enrollment).where(*here).values(due_at=at))


def nobody_follows(session: Session, ids: Collection[str]) -> None:
    """The workflows of these have ended: where the enrollments have too, nothing is to be followed any more.

    A live one is left as it is: that its workflow is not there is a difference, which the books tell.
    """
    here = col(Enrollment.id).in_(ids), col(Enrollment.status) == EnrollmentStatus.ENDED
    session.connection().execute(update(Enrollment).where(*here).values(follow_at=None))


def count_behind(session: Session) -> int:
    """How many workflows have not followed all wakes of their enrollments; it looks at each of them."""
    query = select(func.count()).select_from(Enrollment).where(col(Enrollment.follow_at).is_not(None))
    return session.exec(query).one()


def behind(session: Session, now: datetime, limit: int, again: datetime) -> Sequence[WorkflowRow]:
    """The workflows that are to be poked by now, the longest behind first; nobody gets them before `again` any more.

    One for which a start or a poke is still on its way is not given, and looked at again later; what another
    transaction holds is passed over.
    """
    rows: Any = session.connection().execute(_BEHIND, {"now": now}).all()
    found = [WorkflowRow._make(one) for on_its_way, *one in rows if not on_its_way][:limit]
    later = [name for on_its_way, name, *_ in rows if on_its_way]
    for ids, at in (([one.id for one in found], again), (later, now + ANOTHER_LOOK)):
        if ids:
            here = col(Enrollment.id).in_(ids)
            session.connection().execute(update(Enrollment).where(here).values(follow_at=at))
    return found


def not_tried(session: Session, ids: Collection[str], now: datetime, again: datetime) -> None:
    """These that `behind` gave until `again` were not poked: anybody gets them, unless they have followed meanwhile."""
    here = col(Enrollment.id).in_(ids), col(Enrollment.follow_at) == again
    session.connection().execute(update(Enrollment).where(*here).values(follow_at=now))
