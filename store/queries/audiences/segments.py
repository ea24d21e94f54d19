"""Segments and who is in them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import literal, union_all
from sqlmodel import Session, col, delete, func, select

from store import bulk
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


def sizes(session: Session, keys: Sequence[str], most: int) -> dict[str, int]:
    """How many customers are in each segment now, counted up to `most`: so many entries of an index are read of each.

    There are at most 200 keys: SQLite joins 500 statements to one.
    """
    if not keys:
        return {}
    here = [(key, select(SegmentMember.customer_id).where(SegmentMember.segment == key).limit(most)) for key in keys]
    counts = [select(literal(key), func.count()).select_from(found.subquery()) for key, found in here]
    rows: Sequence[Any] = session.connection().execute(union_all(*counts)).all()
    return dict(rows)


def join(session: Session, names: Sequence[tuple[str, str]], now: datetime) -> None:
    """Customers are in segments from now on; `names` are segments and the ids of their new members."""
    rows = [{"segment": segment, "customer_id": customer_id, "since": now} for segment, customer_id in names]
    bulk.put(session, SegmentMember, rows)


def leave(session: Session, names: Sequence[tuple[str, str]]) -> None:
    """Customers are in segments no longer; `names` are segments and the ids of those who leave."""
    gone: dict[str, list[str]] = {}
    for segment, customer_id in names:
        gone.setdefault(segment, []).append(customer_id)
    for segment, ids in gone.items():
        drop_members(session, segment, ids)


def member_ids(session: Session, key: str, after: str, limit: int) -> Sequence[str]:
    """A page of the members' ids, in their order, behind the id `after`."""
    query = select(SegmentMember.customer_id)
    query = query.where(SegmentMember.segment == key, col(SegmentMember.customer_id) > after)
    return session.exec(query.order_by(col(SegmentMember.customer_id)).limit(limit)).all()


def members_among(session: Session, key: str, customer_ids: Sequence[str]) -> Sequence[str]:
    """Those of the customers who are in a segment, in no order."""
    found = bulk.matching(session, SegmentMember, ("customer_id",), "customer_id", customer_ids, {"segment": key})
    return [one for (one,) in found]


def drop_members(session: Session, key: str, customer_ids: Sequence[str]) -> None:
    """These customers are members no more."""
    here = (col(SegmentMember.segment) == key, col(SegmentMember.customer_id).in_(customer_ids))
    session.connection().execute(delete(SegmentMember).where(*here))
