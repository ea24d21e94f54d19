"""Finding customers: by parts of their address and names, by their lifecycle's stage, by a segment.

A filter that lets few customers through is looked up, and what it finds is put in order. One that lets many through is
met soon, so the list is walked in its order and each customer compared. A segment or stage alone is walked in an index
of its own, which has the order of the list: those who are in it may all have come at the same time. In the order of the
addresses whoever is told by a text is found in indexes that have the address, since addresses that begin alike stand
together, and the walk to them may be long.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, union, union_all
from sqlalchemy.orm import aliased
from sqlmodel import Session, col, func, select

from store import bulk, dialect, keyset, search_words
from store.queries.identity import customers
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer, CustomerWord, SegmentMember
from store.tables.enrollments import Enrollment

FEW = 5_000
"""So many are put in order in some ten milliseconds; where there are more, one in 200 of a million is met as soon."""


MANY = 70_000
"""So many are put in the order of their addresses in some thirty milliseconds, by an index that has these."""

NEAR = 5_000
"""Customers that are compared along their addresses where more than MANY are found, before these are put in order after
all: if they stand anywhere, one in 100 of millions, a page of them is met among so many."""

LOOKED_AT = 20
"""So many times a page are looked at where others have to hold, too: a stage and a segment have more than a twentieth,
as a rule."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What customers are wanted: `ways` find their ids, `holds` says it of a row; `column` has the order of the ids.

    `addressed` are the ways again, as they are asked in the order of the addresses.
    """

    ways: Sequence[Any]
    holds: Any
    column: Any = None
    addressed: "Sequence[_Addressed]" = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Addressed:
    """A way that finds addresses and ids, and says it of a customer's row; `in_order` has an index in their order.

    `among` are those of whom the found ones are some, who are counted sooner.
    """

    found: Any
    among: Any
    columns: tuple[Any, Any]
    holds: Any
    in_order: bool = False


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
    parts = _rarest_first(session, search_words.wanted(text))
    if parts:
        word, owner = col(CustomerWord.word), col(CustomerWord.customer_id)
        (first, _), *others = parts.items()
        among = select(owner).where(_from(word, first))
        ways.append(among.where(*(_has_too(session, owner, one, times) for one, times in others)))
        holds.append(and_(*(_has(session, col(Customer.id), one) for one in parts)))
        return Filter(ways=ways, holds=or_(*holds), addressed=list(_addressed(ways, holds, among)))
    return Filter(ways=ways, holds=or_(*holds), addressed=list(_addressed(ways, holds, None)))


def _addressed(ways: Sequence[Any], holds: Sequence[Any], among: Any) -> Iterator[_Addressed]:
    """By the address, by the customer's own id and by words; who has no address has no place in the order of these."""
    theirs, of_words = (col(Customer.email), col(Customer.id)), (col(CustomerWord.email), col(CustomerWord.customer_id))
    by_address, by_id, *by_words = zip(ways, holds, strict=True)
    yield _Addressed(found=by_address[0], among=by_address[0], columns=theirs, holds=by_address[1], in_order=True)
    having = by_id[0].where(col(Customer.email).is_not(None))
    yield _Addressed(found=having, among=by_id[0], columns=theirs, holds=by_id[1])
    for found, holding in by_words:
        yield _Addressed(found=found.where(of_words[0] != ""), among=among, columns=of_words, holds=holding)


def _rarest_first(session: Session, parts: Sequence[str]) -> dict[str, int]:
    """Parts of a text with how many words begin so (MANY and one where they are more), the fewest first.

    The words of the first are gathered, and the others compared. Of a single part nothing is counted.
    """
    if len(parts) < 2:
        return dict.fromkeys(parts, 0)
    some: list[Any] = []
    for one in parts:
        those = select(CustomerWord.customer_id).where(_from(col(CustomerWord.word), one)).limit(MANY + 1).subquery()
        some.append(select(func.count()).select_from(those).scalar_subquery())
    found: Any = session.connection().execute(select(*some)).one()
    return dict(sorted(zip(parts, found, strict=True), key=lambda pair: pair[1]))


def _has_too(session: Session, owner: Any, part: str, times: int) -> Any:
    """Whether those who are gathered have another part, too: they are compared with whoever has it, unless too many."""
    if not FEW < times <= MANY:
        return _has(session, owner, part)
    return owner.in_(select(CustomerWord.customer_id).where(_from(col(CustomerWord.word), part)))


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

    They are in the order of `order`, of which the last is the id, and the address may come before it. Raises
    `keyset.BadCursor`.
    """
    if len(given) == 1 and len(order) == 1 and given[0].column is not None:
        return _walked(session, given[0], cursor, limit, descending=descending)
    told = next((one for one in given if one.addressed), None)
    if len(order) > 1 and told is not None:
        others = [one.holds for one in given if one is not told]
        found = _by_address(session, told, others, cursor, limit, descending=descending)
        if found is not None:
            return found
    few = next((one for one in given if _are_at_most(session, one.ways, FEW)), None)
    if few is None and len(order) > 1:
        # whose addresses begin alike stand together in their order: the walk to them may be long
        few = next((one for one in given if one.column is None), None)
    query = select(Customer).where(*(one.is_not(None) for one in order[:-1]))  # who has no address has no place there
    for one in given:
        query = query.where(col(Customer.id).in_(union(*one.ways)) if one is few else one.holds)
    return keyset.page(session, query, order, cursor, limit, descending=descending)


def _are_at_most(session: Session, ways: Sequence[Any], most: int) -> bool:
    some = union_all(*ways).limit(most + 1).subquery()  # who is found twice counts twice, and nothing is gathered
    return session.exec(select(func.count()).select_from(some)).one() <= most


def _by_address(
    session: Session, told: Filter, others: Sequence[Any], cursor: str | None, limit: int, *, descending: bool
) -> tuple[Sequence[Customer], str | None] | None:
    """A page in the order of the addresses: the next ones of each way, of which the first are the next of all.

    Where `others` have to hold too, more are looked at; None where of these not enough are left, and more follow.
    """
    names, looked_at = ["email", "id"], (limit + 1) * (LOOKED_AT if others else 1)
    behind = tuple(keyset.read(cursor, names, [str, str], descending)) if cursor else None
    found = set[AddressPlace]()
    for way in told.addressed:
        found.update(_next_of(session, way, behind, looked_at, descending=descending))
    places = sorted(found, reverse=descending)[:looked_at]
    if others:
        more = len(places) == looked_at
        left = set(_of_whom_hold(session, [key for _, key in places], others))
        places = [one for one in places if one[1] in left]
        if more and len(places) <= limit:
            return None
    rows = {each.id: each for each in customers.by_ids(session, [key for _, key in places[:limit]])} if places else {}
    page = [rows[key] for _, key in places[:limit]]
    return page, keyset.write(places[limit - 1], names, descending) if len(places) > limit else None


def _of_whom_hold(session: Session, ids: Sequence[str], conditions: Sequence[Any]) -> Iterator[str]:
    for part in bulk.parts(ids):
        yield from session.exec(select(Customer.id).where(col(Customer.id).in_(part), *conditions)).all()


AddressPlace = tuple[str, str]
"""An address, and the id of a customer who has it."""


def _next_of(
    session: Session, way: _Addressed, behind: tuple[str, ...] | None, wanted: int, *, descending: bool
) -> set[AddressPlace]:
    """The next places of a way, so many or all; who has several words that begin so comes several times."""
    if not way.in_order and not _are_at_most(session, [way.among], MANY):
        near = _near(session, way, behind, wanted, descending=descending)
        if len(near) == wanted:
            return near
    query = way.found.with_only_columns(*way.columns)
    found, last, most = set[AddressPlace](), behind, wanted
    while len(found) < wanted:
        rows = _places(session, query, way.columns, last, most, descending=descending)
        found.update(rows)
        if len(rows) < most:
            break
        last, most = rows[-1], most * 2
    return found


def _near(
    session: Session, way: _Addressed, behind: tuple[str, ...] | None, wanted: int, *, descending: bool
) -> set[AddressPlace]:
    """Those of whom this way holds among the next NEAR customers."""
    columns = (col(Customer.email), col(Customer.id))
    query: Any = select(*columns).where(columns[0].is_not(None))
    next_ones = _ordered(query, columns, behind, NEAR, descending=descending).subquery()
    asked: Any = select(*columns).join(next_ones, next_ones.c.id == columns[1]).where(way.holds)
    return set(_places(session, asked, (next_ones.c.email, next_ones.c.id), None, wanted, descending=descending))


def _places(
    session: Session, query: Any, columns: Sequence[Any], behind: tuple[str, ...] | None, most: int, *, descending: bool
) -> list[AddressPlace]:
    rows: Any = session.connection().execute(_ordered(query, columns, behind, most, descending=descending))
    return [(email, key) for email, key in rows]


def _ordered(query: Any, columns: Sequence[Any], behind: tuple[str, ...] | None, most: int, *, descending: bool) -> Any:
    here = query if behind is None else query.where(keyset.behind(columns, behind, descending))
    return here.order_by(*(one.desc() if descending else one for one in columns)).limit(most)


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
