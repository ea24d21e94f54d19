"""Broadcast members: customers whom the file of a broadcast names."""

from collections.abc import Collection

from sqlmodel import Session, col, select

from store import bulk
from store.tables.broadcasts import BroadcastMember


def add(session: Session, broadcast: str, customer_ids: Collection[str]) -> set[str]:
    """A broadcast is for these customers too; return those whom it was not for before."""
    known: set[str] = set()
    for part in bulk.parts(sorted(set(customer_ids))):
        here = (BroadcastMember.broadcast == broadcast, col(BroadcastMember.customer_id).in_(part))
        known.update(session.exec(select(BroadcastMember.customer_id).where(*here)).all())
    fresh = {*customer_ids} - known
    bulk.add(session, BroadcastMember, [{"broadcast": broadcast, "customer_id": one} for one in sorted(fresh)])
    return fresh


def reassign(session: Session, source: str, target: str) -> None:
    """Broadcasts whose files name one customer are for another, once each."""
    for mine in session.exec(select(BroadcastMember).where(BroadcastMember.customer_id == source)).all():
        session.merge(BroadcastMember(broadcast=mine.broadcast, customer_id=target))
        session.delete(mine)
    session.flush()
