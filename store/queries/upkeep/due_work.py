"""Whether anything has come by the clock, asked of all its tables at once, since it is asked every few seconds."""

from datetime import datetime

from sqlmodel import Session, col, or_, select

from store.tables.customers import Backfill, DateDue
from store.tables.messages import PendingClick
from store.tables.splits import Experiment


def any_due(session: Session, now: datetime, clicks_by: datetime) -> bool:
    """Whether a date has come, a split is to be looked at, a click can be judged, or all customers are gone through.

    Clicks can be judged that came by `clicks_by`.
    """
    here = (
        select(DateDue.at).where(col(DateDue.at) <= now),
        select(Experiment.split).where(col(Experiment.next_look_at) <= now),
        select(PendingClick.id).where(col(PendingClick.at) <= clicks_by),
        select(Backfill.key),
    )
    return bool(session.exec(select(or_(*(one.exists() for one in here)))).one())
