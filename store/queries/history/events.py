"""Events: what customers did, numbered per customer, each message id once."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlalchemy import select as sql_select
from sqlmodel import Session, col, func, select

from journeys.facts.guards import ANY_EVENT
from store import bulk
from store.tables.customers import Event

PAGE = 1_000
"""Events in memory at a time where many are read: some megabytes."""


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Append events."""
    bulk.add(session, Event, rows)


def get(session: Session, customer_id: str, seq: int) -> Event | None:
    """The customer's event of this number; None where there is none."""
    return session.exec(select(Event).where(Event.customer_id == customer_id, Event.seq == seq)).first()


def last_named(session: Session, customer_id: str, name: str) -> Event | None:
    """The customer's event of this name that came last; None where there is none."""
    query = select(Event).where(Event.customer_id == customer_id, Event.name == name)
    return session.exec(query.order_by(col(Event.seq).desc()).limit(1)).first()


def _ahead(*where: Any) -> Any:
    query = sql_select(col(Event.received_at), col(Event.seq), col(Event.name)).where(
        col(Event.customer_id) == bindparam("customer"), col(Event.seq) > bindparam("seq"), col(Event.fires), *where
    )
    return query.order_by(col(Event.seq)).limit(bindparam("limit"))


_AHEAD: Any = _ahead()
_AHEAD_OF_NAMES: Any = _ahead(bulk.among(Event.name, "names"))


def ahead(
    session: Session, customer_id: str, seq: int, names: Collection[str], limit: int
) -> Sequence[tuple[datetime, int, str]]:
    """Events of these names (ANY_EVENT: of all) that may fire something, above a number, in order.

    Each as its receipt (UTC), its number, its name.
    """
    if not names:
        return []
    above: dict[str, Any] = {"customer": customer_id, "seq": seq, "limit": limit}
    query, of = (_AHEAD, above) if ANY_EVENT in names else (_AHEAD_OF_NAMES, {**above, "names": [*names]})
    rows: Any = session.connection().execute(query, of).all()
    return rows


def whole_ahead(session: Session, customer_id: str, seq: int, limit: int) -> Sequence[Event]:
    """The events of whatever name that may fire something, above a number, in order, with all that they say."""
    query = select(Event).where(Event.customer_id == customer_id, col(Event.seq) > seq, col(Event.fires))
    return session.exec(query.order_by(col(Event.seq)).limit(limit)).all()


def first_after(session: Session, customer_id: str, seq: int, at: datetime) -> int | None:
    """The number of the first event above `seq` that was received after this instant; None where there is none."""
    query = select(Event.seq).where(Event.customer_id == customer_id, col(Event.seq) > seq, col(Event.received_at) > at)
    return session.exec(query.order_by(col(Event.seq)).limit(1)).first()


EventRecord = tuple[str, datetime, Mapping[str, Any]]
"""An event's name, its instant (UTC) and its properties."""


def after(session: Session, customer_id: str, seq: int) -> Sequence[EventRecord]:
    """What a customer did above the number `seq`, in order."""
    query = select(Event.name, Event.at, Event.properties)
    query = query.where(Event.customer_id == customer_id, col(Event.seq) > seq).order_by(col(Event.seq))
    return session.exec(query).all()


def up_to(session: Session, customer_id: str, seq: int, names: Collection[str] | None = None) -> Iterator[EventRecord]:
    """What a customer did up to the number `seq`, in order; of these names alone where some are given."""
    query = select(Event.name, Event.at, Event.properties)
    query = query.where(Event.customer_id == customer_id, col(Event.seq) <= seq)
    if names is not None:
        query = query.where(col(Event.name).in_(names))
    yield from session.exec(query.order_by(col(Event.seq)).execution_options(yield_per=PAGE))


def numbered_up_to(
    session: Session, customer_id: str, seq: int, names: Collection[str]
) -> Iterator[tuple[int, str, datetime, Mapping[str, Any]]]:
    """What a customer did up to the number `seq` of these names, in order, each with its number."""
    query = select(Event.seq, Event.name, Event.at, Event.properties)
    query = query.where(Event.customer_id == customer_id, col(Event.seq) <= seq, col(Event.name).in_(names))
    yield from session.exec(query.order_by(col(Event.seq)).execution_options(yield_per=PAGE))


_NUMBERED: Any = (Event.customer_id, Event.seq, Event.name, Event.at, Event.properties)


def of_names(
    session: Session, customer_ids: Collection[str], names: Collection[str]
) -> Iterator[tuple[str, int, str, datetime, Mapping[str, Any]]]:
    """The events of these names, customer by customer and in order: whose, number, name, instant, properties."""
    query: Any = sql_select(*_NUMBERED).where(col(Event.customer_id).in_(customer_ids), col(Event.name).in_(names))
    query = query.order_by(col(Event.customer_id), col(Event.seq)).execution_options(yield_per=PAGE)
    found: Any = session.connection().execute(query)
    yield from found


def whole_histories(
    session: Session, customer_ids: Collection[str]
) -> Iterator[tuple[str, int, str, datetime, Mapping[str, Any]]]:
    """All events of these customers, customer by customer and in order; each as `of_names` tells it."""
    for part in bulk.parts(sorted(customer_ids)):
        query: Any = sql_select(*_NUMBERED).where(col(Event.customer_id).in_(part))
        query = query.order_by(col(Event.customer_id), col(Event.seq)).execution_options(yield_per=PAGE)
        found: Any = session.connection().execute(query)
        yield from found


def latest(session: Session, customer_id: str, seq: int, limit: int) -> dict[str, datetime]:
    """By name the last instant of the events up to the number `seq`, found among the `limit` latest of them."""
    query = select(Event.name, Event.at).where(Event.customer_id == customer_id, col(Event.seq) <= seq)
    query = query.order_by(col(Event.at).desc(), col(Event.seq).desc()).limit(limit)
    return dict(reversed(session.exec(query).all()))


def ends(session: Session, customer_id: str, seq: int, names: Collection[str]) -> dict[str, tuple[datetime, datetime]]:
    """By name the first and the last instant of the events up to the number `seq`: reads every one of them."""
    query = select(Event.name, func.min(Event.at), func.max(Event.at))
    query = query.where(Event.customer_id == customer_id, col(Event.seq) <= seq, col(Event.name).in_(names))
    return {name: (first, last) for name, first, last in session.exec(query.group_by(Event.name))}


def of_customers(
    session: Session, customer_ids: Collection[str], begin: datetime | None, end: datetime
) -> Iterator[Event]:
    """The events of these customers from `begin` (or the first one) to `end`, both included, by the time they happened.

    In the order of the customers' ids and then of their instants; a page of rows in memory at a time.
    """
    query = select(Event).where(col(Event.customer_id).in_(customer_ids), col(Event.at) <= end)
    query = query if begin is None else query.where(col(Event.at) >= begin)
    query = query.order_by(col(Event.customer_id), col(Event.at), col(Event.seq))
    yield from session.exec(query, execution_options={"yield_per": PAGE})


def known_message_ids(session: Session, message_ids: Iterable[str]) -> set[str]:
    """Those of the ids that an event has already."""
    return {found for (found,) in bulk.matching(session, Event, ("message_id",), "message_id", message_ids)}


def reassign(session: Session, source: str, target: str, *, base: int, fires_from: int) -> None:
    """Make a customer's events another's, numbered from `base` on; those up to `fires_from` fire nothing more."""
    here = update(Event).where(col(Event.customer_id) == source)
    session.connection().execute(here.where(col(Event.seq) <= fires_from).values(fires=False))
    session.connection().execute(here.values(customer_id=target, seq=col(Event.seq) + base))
