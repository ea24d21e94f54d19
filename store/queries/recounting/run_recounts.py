"""What decisions and rows say of goals, dates that nobody could tell and variants: one journey at a time.

What an import tells of the past is not counted: its decisions lack what a wake adds to them, its variants say so.
"""

from collections import Counter
from typing import Any

import sqlalchemy
from sqlmodel import Session, col, exists, func, select

from store.queries.figures import counts, variant_revenue
from store.queries.recounting.journey_recounts import AT_ONCE, CountLabels, LabelCounts
from store.tables.enrollments import Decision, Enrollment
from store.tables.splits import Assignment, RevenueSum
from value import goal_revenue


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


REVENUE = ("what", "split", "variant", "currency", "part")
"""The labels of what variants brought."""


def revenue(session: Session, journey: str) -> tuple[LabelCounts, LabelCounts]:
    """What those who reached a journey's goal with a variant brought, as it is kept: customers and units, by labels."""
    customers, units = Counter[CountLabels](), Counter[CountLabels]()
    columns: Any = (Assignment.split, Assignment.variant, Assignment.revenue)
    query = sqlalchemy.select(*columns).where(col(Assignment.journey) == journey)
    query = query.where(col(Assignment.converted_at).is_not(None))
    rows: Any = session.connection().execute(query.execution_options(yield_per=AT_ONCE))
    for split, variant, kept in rows:
        for (what, *of), count, amount in variant_revenue.sums(goal_revenue.by_day(kept)):
            customers[what, split, variant, *of] += count
            units[what, split, variant, *of] += amount
    return customers, units


def kept_revenue(session: Session, journey: str) -> tuple[LabelCounts, LabelCounts]:
    """The same as it is kept, over all shards."""
    by: Any = tuple(getattr(RevenueSum, name) for name in REVENUE)
    totals: Any = (func.sum(RevenueSum.customers), func.sum(RevenueSum.units))
    rows: Any = session.connection().execute(
        sqlalchemy.select(*by, *totals).where(col(RevenueSum.journey) == journey).group_by(*by)
    )
    found = {tuple(labels): (int(customers), int(units)) for *labels, customers, units in rows}
    customers, units = (Counter({labels: one[place] for labels, one in found.items()}) for place in (0, 1))
    return customers, units


def have_merged(session: Session, journey: str) -> bool:
    """Whether somebody with a variant was once two, of whom each may have had one: the other's row is gone."""
    merged = exists().where(col(Decision.customer_id) == Assignment.customer_id, col(Decision.what) == "merged")
    query = select(Assignment.customer_id).where(Assignment.journey == journey, merged)
    return session.exec(query.limit(1)).first() is not None
