"""The latest runs of many customers through a journey, whatever their keys, as plain rows."""

from collections.abc import Collection
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from store import bulk
from store.statuses import EnrollmentStatus
from store.tables.enrollments import Enrollment


class LatestRun(NamedTuple):
    """A customer's latest run through a journey under a key: its number, and when it ended (UTC), if it is not live."""

    run: int
    live: bool
    ended_at: datetime


def of_customers(session: Session, journey: str, customer_ids: Collection[str]) -> dict[str, dict[str, LatestRun]]:
    """The latest runs of these customers through a journey, by customer and key; whoever had none is left out."""
    found: dict[str, dict[str, LatestRun]] = {}
    columns: Any = (Enrollment.customer_id, Enrollment.key, Enrollment.run, Enrollment.status)
    columns = (*columns, func.coalesce(Enrollment.ended_at, Enrollment.entered_at))
    for part in bulk.parts(sorted(customer_ids)):
        query = select_columns(*columns).where(
            col(Enrollment.journey) == journey, col(Enrollment.customer_id).in_(part)
        )
        rows: Any = session.connection().execute(query.order_by(col(Enrollment.run)))
        for customer_id, key, run, status, ended_at in rows:
            found.setdefault(customer_id, {})[key] = LatestRun(run, status == EnrollmentStatus.LIVE, ended_at)
    return found
