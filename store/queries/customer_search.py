"""Finding customers: by the beginning of an address or id, by the stage of their lifecycle, by a segment.

A filter that lets few customers through is looked up, and what it finds is put in order. One that lets many through is
met soon, so the list is walked in its order and each customer compared. A segment or stage alone is walked in an index
of its own, which has the order of the list: those who are in it may all have come at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, union, union_all
from sqlmodel import Session, col, func, select

from store import dialect, keyset
from store.queries import customers
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer, SegmentMember
from store.tables.enrollments import Enrollment

FEW = 5_000
"""So many are put in order in some ten milliseconds; where there are more, one in 200 of a million is met as soon."""

_LAST = "\U0010ffff"
"""Sorts behind whatever else a text may go on with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What customers are wanted: `ways` find their ids, `holds` says it of a row; `column` has the order of the ids."""

    ways: Sequence[Any]
    holds: Any
    column: Any = None


def filters(
    session: Session, *, beginning: str | None, lifecycle: Sequence[str], stage: str | None, segment: str | None
) -> list[Filter]:
    """Those that are given: the beginning of an address (in any case) or id, a stage of these journeys, a segment."""
    found: list[Filter] = []
    if beginning and beginning.strip():
        found.append(_begins(session, beginning.strip()))
    if segment:
        found.append(_among(col(SegmentMember.customer_id), col(SegmentMember.segment) == segment))
    if stage:
        live = col(Enrollment.status) == dialect.as_it_is(EnrollmentStatus.LIVE)
        here = and_(col(Enrollment.journey).in_(lifecycle), col(Enrollment.stage) == stage, live)
        found.append(_among(col(Enrollment.customer_id), here))
    return found


def _begins(session: Session, text: str) -> Filter:
    ways = [(col(Customer.email), text.lower()), (col(Customer.external_id), text)]
    ranges = [and_(column >= start, column < start + _LAST) for column, start in ways]
    beside = dialect.of(session).beside
    compared = [and_(beside(column) >= start, beside(column) < start + _LAST) for column, start in ways]
    return Filter(ways=[select(Customer.id).where(one) for one in ranges], holds=or_(*compared))


def _among(column: Any, here: Any) -> Filter:
    found = exists().where(here, column == col(Customer.id))
    return Filter(ways=[select(column).where(here)], holds=found, column=column)


def page(
    session: Session, given: Sequence[Filter], order: Sequence[Any], cursor: str | None, limit: int, *, descending: bool
) -> tuple[Sequence[Customer], str | None]:
    """The next customers whom every filter lets through, and the cursor behind them where more follow.

    They are in the order of `order`, of which the last is the id. Raises `keyset.BadCursor`.
    """
    if len(given) == 1 and len(order) == 1 and given[0].column is not None:
        return _walked(session, given[0], cursor, limit, descending=descending)
    few = next((one for one in given if _are_few(session, one)), None)
    if few is None and len(order) > 1:
        # whose addresses begin alike stand together in their order: the walk to them may be long
        few = next((one for one in given if one.column is None), None)
    query = select(Customer)
    for one in given:
        query = query.where(col(Customer.id).in_(union(*one.ways)) if one is few else one.holds)
    return keyset.page(session, query, order, cursor, limit, descending=descending)


def _are_few(session: Session, one: Filter) -> bool:
    some = union_all(*one.ways).limit(FEW + 1).subquery()  # who is found twice counts twice, and nothing is gathered
    return session.exec(select(func.count()).select_from(some)).one() <= FEW


def _walked(
    session: Session, one: Filter, cursor: str | None, limit: int, *, descending: bool
) -> tuple[Sequence[Customer], str | None]:
    """A page along the filter's own index."""
    query, order = one.ways[0].distinct(), one.column.desc() if descending else one.column
    if cursor:
        (last,) = keyset.read(cursor, ["id"], [str], descending)
        query = query.where(one.column < last if descending else one.column > last)
    ids = session.exec(query.order_by(order).limit(limit + 1)).all()
    rows = customers.by_ids(session, ids[:limit]) if ids else ()
    more = keyset.write([ids[limit - 1]], ["id"], descending) if len(ids) > limit else None
    return rows[::-1] if descending else rows, more
