"""Plans of a publish: what they say of each enrollment."""

from collections.abc import Iterator, Sequence

from sqlmodel import Session, col, delete, select

from store import bulk
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


def forget(session: Session, operation_ids: Sequence[str]) -> None:
    """Let go of what these plans say."""
    session.connection().execute(delete(PlanEntry).where(col(PlanEntry.operation_id).in_(operation_ids)))
