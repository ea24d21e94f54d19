"""Work that goes over all customers once, page by page: where it stands is kept, so that a crash only pauses it."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.tables.customers import Backfill, Customer


def start(session: Session, kind: str, key: str, now: datetime) -> None:
    """Begin (anew) at the first customer."""
    session.merge(Backfill(kind=kind, key=key, cursor="", started_at=now))


def stop(session: Session, kind: str, key: str) -> None:
    """Give up what is being worked out, where it is."""
    found = session.get(Backfill, (kind, key))
    if found is not None:
        session.delete(found)


def under_way(session: Session, kind: str, key: str) -> bool:
    """Whether this is still being worked out."""
    return session.get(Backfill, (kind, key)) is not None


def next_one(session: Session, first: str = "") -> Backfill | None:
    """The work that began first, of the kind `first` before all others; None where nothing is to be worked out."""
    order = (col(Backfill.kind) != first, col(Backfill.started_at))
    return session.exec(select(Backfill).order_by(*order).limit(1)).first()


def page(session: Session, one: Backfill, limit: int) -> Sequence[str]:
    """The ids of the next customers, in their order, `limit` at most; an empty page ends the work."""
    query = select(Customer.id).where(col(Customer.id) > one.cursor).order_by(col(Customer.id)).limit(limit)
    return session.exec(query).all()
