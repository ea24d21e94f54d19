"""Live enrollments of a journey as plain rows, by pages: what a plan reads of everybody, and a move changes.

Rows of the session cost three times as much, which a plan of 100,000 feels.
"""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func, select
from sqlmodel import Session, col

from store import bulk, dialect
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment


class EnrollmentRow(NamedTuple):
    """A live enrollment: the columns of its row that these names have."""

    id: str
    customer_id: str
    journey: str
    version: int
    digest: str
    workflow_id: str
    key: str
    data: dict[str, Any]
    state: dict[str, Any]
    stage: str
    step: str | None
    visit: int
    entered_at: datetime
    stage_since: datetime
    poked_at: datetime | None
    paused_by: str | None
    wakes: int


_COLUMNS: Any = tuple(getattr(Enrollment, name) for name in EnrollmentRow._fields)


def page(session: Session, journey: str, after: str, limit: int) -> Sequence[EnrollmentRow]:
    """A page in the order of their ids, behind the id `after`."""
    query = _page(journey, after, limit, _COLUMNS)
    return [EnrollmentRow._make(row) for row in session.connection().execute(query).all()]


def elsewhere(session: Session, journey: str, version: int, after: str, limit: int) -> dict[str, str]:
    """The same page of those who are on another version than this one: their customers, by their ids."""
    query = _page(journey, after, limit, (Enrollment.id, Enrollment.customer_id)).where(
        col(Enrollment.version) != version
    )
    rows: Any = session.connection().execute(query).all()
    return dict(rows)


def _page(journey: str, after: str, limit: int, columns: Any) -> Any:
    live = (col(Enrollment.journey) == journey, col(Enrollment.status) == EnrollmentStatus.LIVE)
    return select(*columns).where(*live, col(Enrollment.id) > after).order_by(col(Enrollment.id)).limit(limit)


def digests(session: Session, journey: str) -> set[str]:
    """The definitions that those who are under way run."""
    query = select(col(Enrollment.digest)).where(
        col(Enrollment.journey) == journey, col(Enrollment.status) == EnrollmentStatus.LIVE
    )
    return {digest for (digest,) in session.connection().execute(query.distinct())}


def stuck(session: Session, journeys: Collection[str] | None = None) -> dict[str, int]:
    """How many of each of these journeys (None: of any) end each wake in an error; one without any is left out."""
    journey = dialect.of(session).beside(col(Enrollment.journey))
    query: Any = select(journey, func.count()).where(col(Enrollment.stuck).is_not(None), col(Enrollment.id) > "")
    query = query if journeys is None else query.where(journey.in_(journeys))
    rows: Any = session.connection().execute(query.group_by(journey)).all()
    return dict(rows)


def by_ids(session: Session, ids: Collection[str], besides: int | None = None) -> Sequence[EnrollmentRow]:
    """Those of these that are live and not on the version `besides`, in the order of their ids."""
    found: list[EnrollmentRow] = []
    for part in bulk.parts(sorted(ids)):
        query = select(*_COLUMNS).where(
            col(Enrollment.id).in_(part),
            col(Enrollment.status) == EnrollmentStatus.LIVE,
            col(Enrollment.version).is_distinct_from(besides),
        )
        found += map(EnrollmentRow._make, session.connection().execute(query.order_by(col(Enrollment.id))))
    return found


def change(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Give enrollments new columns, by their `id`; the columns are the same for all."""
    bulk.change(session, Enrollment, rows)
