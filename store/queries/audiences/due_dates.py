"""Due dates: when a date of a customer lets them into a journey."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session, col, delete, select

from store import bulk
from store.tables.customers import DateDue


def row(journey: str, trigger: str, customer_id: str, at: datetime) -> bulk.ColumnValues:
    """The columns of a date; at the instant `at` (UTC) it lets the customer in."""
    return {"journey": journey, "trigger": trigger, "customer_id": customer_id, "at": at}


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Keep dates; those that these customers had for the same triggers are gone (`drop`)."""
    bulk.add(session, DateDue, rows)


def drop(session: Session, customer_ids: Sequence[str], journeys: Collection[str]) -> None:
    """Forget the dates on which these customers would be let into these journeys."""
    session.flush()
    for part in bulk.parts(customer_ids):
        here = (col(DateDue.customer_id).in_(part), col(DateDue.journey).in_(journeys))
        session.connection().execute(delete(DateDue).where(*here))


def due(session: Session, now: datetime, limit: int) -> Sequence[DateDue]:
    """Dates that have come, the oldest first."""
    order = (col(DateDue.at), col(DateDue.journey), col(DateDue.trigger), col(DateDue.customer_id))
    return session.exec(select(DateDue).where(col(DateDue.at) <= now).order_by(*order).limit(limit)).all()
