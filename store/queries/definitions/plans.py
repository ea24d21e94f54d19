"""Plans of a publish: what they say of each enrollment."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import and_, or_
from sqlmodel import Session, col, delete, select

from store import bulk
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.plans import PlanEntry

PAGE = 1_000
"""Entries read at a time, so that a list of any length streams."""


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Keep what a plan says of these enrollments, each once."""
    bulk.add(session, PlanEntry, rows)


def page(session: Session, operation_id: str, after: str, kind: str | None = None) -> Sequence[PlanEntry]:
    """PAGE entries of a plan (of one kind), in the order of the enrollments, behind the id `after`."""
    query = select(PlanEntry).where(PlanEntry.operation_id == operation_id, col(PlanEntry.enrollment_id) > after)
    if kind is not None:
        query = query.where(PlanEntry.kind == kind)
    return session.exec(query.order_by(col(PlanEntry.enrollment_id)).limit(PAGE)).all()


def each(session: Session, operation_id: str, kind: str | None = None) -> Iterator[PlanEntry]:
    """Every entry of a plan (of one kind), in the order of the enrollments, a page in memory."""
    after = ""
    while found := page(session, operation_id, after, kind):
        yield from found
        after = found[-1].enrollment_id
        session.expunge_all()


def outdated(session: Session, operation_id: str, journey: str, now: datetime) -> set[str]:
    """The enrollments of a journey that may be otherwise than a plan says, and those that it does not know.

    Something happened to them or their customer, they have ended, an instant has come at which they act, or the plan
    could not tell. That a mail of theirs changed is not looked at.
    """
    known = select(PlanEntry).where(PlanEntry.operation_id == operation_id).subquery()
    live = (col(Enrollment.journey) == journey, col(Enrollment.status) == EnrollmentStatus.LIVE)
    acts = or_(known.c.acts_at <= now, known.c.kind == "unsettled")
    differs = [
        column.is_distinct_from(other)
        for column, other in (
            (known.c.version, Enrollment.version),
            (known.c.wakes, Enrollment.wakes),
            (known.c.customer_id, Enrollment.customer_id),
            (known.c.seq, Customer.seq),
        )
    ]
    others: Any = (
        select(Enrollment.id)
        .join(Customer, col(Customer.id) == Enrollment.customer_id)
        .join(known, known.c.enrollment_id == Enrollment.id, isouter=True)
        .where(*live, or_(known.c.enrollment_id.is_(None), acts, *differs))
    )
    gone: Any = (
        select(known.c.enrollment_id)
        .join(Enrollment, and_(col(Enrollment.id) == known.c.enrollment_id, *live), isouter=True)
        .where(col(Enrollment.id).is_(None))
    )
    return {*session.exec(others), *session.exec(gone)}


def entries(session: Session, operation_id: str, enrollments: Collection[str]) -> Iterator[PlanEntry]:
    """What a plan says of these enrollments, where it knows them."""
    for part in bulk.parts(sorted(enrollments)):
        query = select(PlanEntry).where(PlanEntry.operation_id == operation_id, col(PlanEntry.enrollment_id).in_(part))
        yield from session.exec(query)


def forget(session: Session, operation_ids: Sequence[str]) -> None:
    """Let go of what these plans say."""
    session.connection().execute(delete(PlanEntry).where(col(PlanEntry.operation_id).in_(operation_ids)))
