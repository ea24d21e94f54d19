"""Finding customers: by parts of their address and names, by their lifecycle's stage, by a segment.

A filter that lets few customers through is looked up, and what it finds is put in order. One that lets many through is
met soon, so the list is walked in its order and each customer compared. A segment or stage alone is walked in an index
of its own, which has the order of the list: those who are in it may all have come at the same time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, union, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from store import dialect, keyset, search_words
from store.queries import customers
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer, CustomerWord, SegmentMember
from store.tables.enrollments import Enrollment

FEW = 5_000
"""So many are put in order in some ten milliseconds; where there are more, one in 200 of a million is met as soon."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What customers are wanted: `ways` find their ids, `holds` says it of a row; `column` has the order of the ids."""

    ways: Sequence[Any]
    holds: Any
    column: Any = None


def filters(
    session: Session, *, text: str | None, lifecycle: Sequence[str], stage: str | None, segment: str | None
) -> list[Filter]:
    """Those that are given: parts of an address or name, or how an id begins; a stage of these journeys; a segment."""
    found: list[Filter] = []
    if text and text.strip():
        found.append(_told_by(session, text.strip()))
    if segment:
        found.append(_among(col(SegmentMember.customer_id), col(SegmentMember.segment) == segment))
    if stage:
        live = col(Enrollment.status) == dialect.as_it_is(EnrollmentStatus.LIVE)
        here = and_(col(Enrollment.journey).in_(lifecycle), col(Enrollment.stage) == stage, live)
        found.append(_among(col(Enrollment.customer_id), here))
    return found


def _told_by(session: Session, text: str) -> Filter:
    """Whose address or id begins so; or who has, for each part of the text, a word in which it stands."""
    beside = dialect.of(session).beside
    begins = [(col(Customer.email), text.lower()), (col(Customer.external_id), text)]
    ways: list[Any] = [select(Customer.id).where(_from(column, start)) for column, start in begins]
    holds = [_from(beside(column), start) for column, start in begins]
    parts = search_words.wanted(text)
    if parts:
        word, owner = col(CustomerWord.word), col(CustomerWord.customer_id)
        ways.append(select(owner).where(_from(word, parts[0]), *(_has(session, owner, one) for one in parts[1:])))
        holds.append(and_(*(_has(session, col(Customer.id), one) for one in parts)))
    return Filter(ways=ways, holds=or_(*holds))


def _has(session: Session, owner: Any, part: str) -> Any:
    """Whether whoever this is has a word that begins so: their few words are compared."""
    own = aliased(CustomerWord)
    return exists().where(col(own.customer_id) == owner, _from(dialect.of(session).beside(col(own.word)), part))


def _from(column: Any, start: str) -> Any:
    return and_(column >= start, column < start + keyset.LAST)


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
