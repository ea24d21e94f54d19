"""Broadcast members: customers whom the file of a broadcast names."""

from sqlmodel import Session, select

from store.tables.broadcasts import BroadcastMember


def give(session: Session, source: str, target: str) -> None:
    """Broadcasts whose files name one customer are for another, once each."""
    for mine in session.exec(select(BroadcastMember).where(BroadcastMember.customer_id == source)).all():
        session.merge(BroadcastMember(broadcast=mine.broadcast, customer_id=target))
        session.delete(mine)
    session.flush()
