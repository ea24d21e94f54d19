"""Segments and who is in them."""

from collections.abc import Sequence

from sqlmodel import Session, col, func, select

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


def members(session: Session, key: str) -> Sequence[SegmentMember]:
    """Everybody who is in a segment now."""
    return session.exec(select(SegmentMember).where(SegmentMember.segment == key)).all()


def member_ids(session: Session, key: str, after: str, limit: int) -> Sequence[str]:
    """A page of the members' ids, in their order, behind the id `after`."""
    query = select(SegmentMember.customer_id)
    query = query.where(SegmentMember.segment == key, col(SegmentMember.customer_id) > after)
    return session.exec(query.order_by(col(SegmentMember.customer_id)).limit(limit)).all()
