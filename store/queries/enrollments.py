"""Enrollments of a journey, page by page."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment


def live_in(
    session: Session, journey: str, after: str, limit: int, *, paused_by: str | None = None
) -> Sequence[Enrollment]:
    """A page of a journey's live enrollments in the order of their ids, behind the id `after`.

    `paused_by` is who paused them (`journey`, …); without it all of them are meant.
    """
    query = select(Enrollment).where(
        Enrollment.journey == journey, Enrollment.status == EnrollmentStatus.LIVE, col(Enrollment.id) > after
    )
    if paused_by is not None:
        query = query.where(Enrollment.paused_by == paused_by)
    return session.exec(query.order_by(col(Enrollment.id)).limit(limit)).all()
