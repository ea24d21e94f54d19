"""The log of events that were not accepted."""

from datetime import datetime

from sqlmodel import Session, col, delete, select

from store.tables.access import Rejection


def forget(session: Session, before: datetime, limit: int) -> int:
    """Let go of what was refused before an instant, a page of it; return how many rows that were."""
    ids = session.exec(select(Rejection.id).where(col(Rejection.received_at) < before).limit(limit)).all()
    session.connection().execute(delete(Rejection).where(col(Rejection.id).in_(ids)))
    return len(ids)
