"""Clicks that are not judged yet."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.tables.messages import PendingClick


def any_by(session: Session, at: datetime) -> bool:
    """Whether there is a click of this instant or before; asked often, so it reads one row of an index."""
    query = select(PendingClick.id).where(col(PendingClick.at) <= at).limit(1)
    return session.exec(query).first() is not None


def first_by(session: Session, at: datetime, limit: int) -> Sequence[PendingClick]:
    """The clicks of this instant or before, the oldest first, at most `limit`."""
    query = select(PendingClick).where(col(PendingClick.at) <= at)
    return session.exec(query.order_by(col(PendingClick.at), col(PendingClick.id)).limit(limit)).all()


def of_message(session: Session, message_id: str) -> Sequence[PendingClick]:
    """Every click on a link of one mail that is not judged yet, in no order."""
    return session.exec(select(PendingClick).where(PendingClick.message_id == message_id)).all()
