"""Due dates: when a date of a customer lets them into a journey."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from store.tables.customers import DateDue


def drop(session: Session, customer_id: str, journeys: Collection[str]) -> None:
    """Forget the dates on which a customer would be let into these journeys."""
    here = (col(DateDue.customer_id) == customer_id, col(DateDue.journey).in_(journeys))
    session.connection().execute(delete(DateDue).where(*here))


def due(session: Session, now: datetime, limit: int) -> Sequence[DateDue]:
    """Dates that have come, the oldest first."""
    order = (col(DateDue.at), col(DateDue.journey), col(DateDue.trigger), col(DateDue.customer_id))
    return session.exec(select(DateDue).where(col(DateDue.at) <= now).order_by(*order).limit(limit)).all()
