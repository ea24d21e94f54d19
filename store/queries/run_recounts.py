"""What decisions and rows say of goals, dates that nobody could tell and variants: one journey at a time.

What an import tells of the past is not counted: its decisions lack what a wake adds to them, its variants say so.
"""

from collections import Counter
from typing import Any

import sqlalchemy
from sqlmodel import Session, col, exists, func, select

from store.queries import counts
from store.queries.journey_recounts import AT_ONCE, CountLabels, LabelCounts
from store.tables.enrollments import Decision, Enrollment
from store.tables.splits import Assignment


def told(session: Session, journey: str) -> LabelCounts:
    """What decisions tell of goals and of dates that nobody could tell: by name and label, as run counts keep them."""
    columns: Any = (Decision.what, Decision.detail)
    of_journey = col(Decision.enrollment_id) == col(Enrollment.id), col(Enrollment.journey) == journey
    query = sqlalchemy.select(*columns).where(*of_journey, col(Decision.what).in_(("converted", "date_unknown")))
    found = Counter[CountLabels]()
    rows: Any = session.connection().execute(query.execution_options(yield_per=AT_ONCE))
    for what, detail in rows:
        if what == "converted" and "credited" in detail:
            found[counts.CONVERTED, str(detail.get("template", ""))] += 1
        elif what == "date_unknown" and "seen" in detail:
            found[counts.DATE_UNKNOWN, str(detail["reason"])] += 1
    return found


def given(session: Session, journey: str) -> LabelCounts:
    """Customers whom the experiments of a journey count, and those who reached its goal: by name, split and variant."""
    converted: Any = func.count(col(Assignment.converted_at))
    query: Any = sqlalchemy.select(col(Assignment.split), col(Assignment.variant), func.count(), converted)
    here = query.where(col(Assignment.journey) == journey, col(Assignment.counted))
    found = Counter[CountLabels]()
    rows: Any = session.connection().execute(here.group_by(col(Assignment.split), col(Assignment.variant)))
    for split, variant, customers, goals in rows:
        found[counts.ASSIGNED, split, variant] = int(customers)
        if goals:
            found[counts.VARIANT_CONVERTED, split, variant] = int(goals)
    return found


def have_merged(session: Session, journey: str) -> bool:
    """Whether somebody with a variant was once two, of whom each may have had one: the other's row is gone."""
    merged = exists().where(col(Decision.customer_id) == Assignment.customer_id, col(Decision.what) == "merged")
    query = select(Assignment.customer_id).where(Assignment.journey == journey, merged)
    return session.exec(query.limit(1)).first() is not None
