"""Segments and who is in them."""

from collections.abc import Sequence

from sqlmodel import Session, col, delete, func, select

from store.tables.customers import Segment, SegmentMember


def keys(session: Session) -> frozenset[str]:
    """The keys of all segments."""
    return frozenset(session.exec(select(Segment.key)).all())


def listed(session: Session) -> Sequence[Segment]:
    """Every segment, in the order of their keys."""
    return session.exec(select(Segment).order_by(col(Segment.key))).all()


def size(session: Session, key: str) -> int:
    """How many customers are in a segment now."""
    query = select(func.count(col(SegmentMember.customer_id))).where(SegmentMember.segment == key)
    return session.exec(query).one()


def member_ids(session: Session, key: str, after: str, limit: int) -> Sequence[str]:
    """A page of the members' ids, in their order, behind the id `after`."""
    query = select(SegmentMember.customer_id)
    query = query.where(SegmentMember.segment == key, col(SegmentMember.customer_id) > after)
    return session.exec(query.order_by(col(SegmentMember.customer_id)).limit(limit)).all()


def drop_members(session: Session, key: str, customer_ids: Sequence[str]) -> None:
    """These customers are members no more."""
    here = (col(SegmentMember.segment) == key, col(SegmentMember.customer_id).in_(customer_ids))
    session.connection().execute(delete(SegmentMember).where(*here))
