"""What customers of a split's variants are worth: the events of the goal, from the split on.

An order that has an id is what the ledger of orders says of it: it counts once, less what takes it back later. The day
of an amount is the installation's, so that the day's rate can be applied to it.
"""

import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.facts.customer_facts import EventFacts
from store.queries.enrollment import assignments
from store.queries.figures import credits, series
from store.queries.figures import variant_revenue as sums
from store.queries.figures.credits import OrderName
from store.tables.attribution import CreditedOrder
from store.tables.splits import Assignment
from value import goal_revenue, money, orders
from value.goal_revenue import GoalRevenue


def credit(session: Session, those: Sequence[Assignment], event: EventFacts) -> None:
    """An event of the goal came to a customer who has these variants by now."""
    if not those:
        return
    zone = series.zone_of(session)
    key = orders.read(event.name, event.properties).order_id if event.name == orders.COMPLETED else None
    kept = credits.orders(session, {(those[0].customer_id, key)}) if key else {}
    order = next(iter(kept.values()), None)
    currency, units = _worth(event) if order is None else (order.currency, order.worth or 0)
    at = (order.at if order is not None else None) or event.at
    of = (currency, series.day_of(at, zone))
    for one in those:
        known = GoalRevenue.from_json(one.revenue)
        if key is not None and not _was_before(one, at, event.at):
            _keep(session, one, known.with_order(key, of, units))
        elif key is None and units:
            _keep(session, one, known.with_amount(of, units))


def _keep(session: Session, one: Assignment, revenue: GoalRevenue) -> None:
    """What a customer was worth with a variant, and with it the sums of all its customers."""
    kept = revenue.as_json()
    before, after = (goal_revenue.by_day(each) for each in (one.revenue, kept))
    sums.tally(session).change(one.journey, (one.split, one.variant), before, after)
    one.revenue = kept


def _was_before(one: Assignment, at: datetime, told_at: datetime) -> bool:
    """Whether an event tells once more of an order from before the customer had the variant."""
    return at < one.at and at != told_at


def _worth(event: EventFacts) -> tuple[str, int]:
    currency = orders.currency_in(event.properties) or orders.UNSTATED
    amount = orders.amount_in(event.properties) or 0.0
    if event.name == orders.COMPLETED:
        amount = max(0.0, amount)  # below zero is no order's worth
    return currency, money.in_units(amount, currency)


def change(session: Session, changed: Mapping[OrderName, CreditedOrder]) -> None:
    """These orders are something else now than they were: those of them that variants are credited with are too.

    Their day may be another one, too: where two profiles that told one order are merged, it came when the first did.
    """
    if not changed:
        return
    zone = series.zone_of(session)
    for one in assignments.converted_of(session, {customer for customer, _ in changed}):
        known = GoalRevenue.from_json(one.revenue)
        for (customer, key), order in changed.items():
            if customer == one.customer_id and key in known.orders:
                (_, day), _ = known.orders[key]
                day = series.day_of(order.at, zone) if order.at is not None else day
                known = known.with_order(key, (order.currency, day), order.worth or 0)
        _keep(session, one, known)
        session.add(one)


def combine(session: Session, source: str, target: str) -> None:
    """Two customers are one from now on, who keeps the variants of the target where both have one."""
    for one in assignments.dropped_by(session, source, target):
        _keep(session, one, GoalRevenue())
    session.flush()
    assignments.reassign(session, source, target)


def erase(session: Session, customer_id: str, limit: int) -> int:
    """Let go of variants that a customer has, `limit` at most; return how many.

    What they were worth stays the variant's, as that of nobody: by day, without orders and instants. Else the revenue
    per customer would fall with each who is erased, since those who were given a variant stay counted.
    """
    those = assignments.of_customer(session, customer_id, limit)
    for one in those:
        kept = GoalRevenue.from_json(one.revenue).of_nobody().as_json()
        if one.converted_at is not None and kept:
            nobody = Assignment(
                customer_id=f"nobody_{secrets.token_hex(16)}",
                journey=one.journey,
                split=one.split,
                variant=one.variant,
                at=_day(one.at),
                converted_at=_day(one.converted_at),
                revenue=kept,
            )
            session.add(nobody)
        session.delete(one)
    session.flush()
    return len(those)


def _day(at: datetime) -> datetime:
    return at.replace(hour=0, minute=0, second=0, microsecond=0)
