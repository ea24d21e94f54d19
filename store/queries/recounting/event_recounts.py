"""What customers' rows say of their events, and the events themselves: a page of customers at a time, by indexes."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import sqlalchemy
from sqlmodel import Session, SQLModel, col, func, or_, select

from store import bulk
from store.tables.customers import Customer, Event
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message

LOST = "events_lost"
"""What a decision is called that some events of a customer are gone."""


class CustomerFactsRow(NamedTuple):
    """A customer's last number and aggregates, as their row keeps them."""

    id: str
    seq: int
    events: Mapping[str, Mapping[str, Any]]


@dataclass(slots=True)
class CountedEvents:
    """A customer's events, counted: by name, the highest number; and by name those whose loss is on record."""

    names: Counter[str] = field(default_factory=Counter[str])
    last: int = 0
    lost: Counter[str] = field(default_factory=Counter[str])


_COLUMNS: Any = sqlalchemy.select(col(Customer.id), col(Customer.seq), col(Customer.events)).order_by(col(Customer.id))
_KNOWN = or_(col(Customer.external_id).is_not(None), col(Customer.anonymous_id).is_not(None))


def page(session: Session, after: str, limit: int) -> Sequence[CustomerFactsRow]:
    """Customers behind the id `after`, in the order of their ids; who is being erased has no name, and is left out."""
    query = _COLUMNS.where(col(Customer.id) > after, _KNOWN).limit(limit)
    return [CustomerFactsRow(*one) for one in session.connection().execute(query).all()]


def of_ids(session: Session, customer_ids: Collection[str]) -> Sequence[CustomerFactsRow]:
    """Those of these customers who are there, in the order of their ids."""
    query = _COLUMNS.where(col(Customer.id).in_(sorted(customer_ids)), _KNOWN)
    return [CustomerFactsRow(*one) for one in session.connection().execute(query).all()]


def counted(session: Session, customer_ids: Collection[str]) -> Mapping[str, CountedEvents]:
    """The events of these customers; of who has none there is nothing."""
    found: defaultdict[str, CountedEvents] = defaultdict(CountedEvents)
    columns: Any = (Event.customer_id, Event.name, func.count(), func.max(Event.seq))
    for part in bulk.parts(sorted(customer_ids)):
        query = sqlalchemy.select(*columns).where(col(Event.customer_id).in_(part))
        rows: Any = session.connection().execute(query.group_by(col(Event.customer_id), col(Event.name)))
        for customer_id, name, count, last in rows:
            one = found[customer_id]
            one.names[name] = int(count)
            one.last = max(one.last, int(last))
    return found


def add_losses(session: Session, found: Mapping[str, CountedEvents]) -> None:
    """Put beside each what is on record of lost events: asked of those alone of whom something differs."""
    columns: Any = (Decision.customer_id, Decision.detail)
    for part in bulk.parts(sorted(found)):
        query = sqlalchemy.select(*columns).where(col(Decision.customer_id).in_(part), col(Decision.what) == LOST)
        rows: Any = session.connection().execute(query)
        for customer_id, detail in rows:
            found[customer_id].lost[str(detail["event"])] += int(detail["count"])


OWNED: tuple[type[SQLModel], ...] = (Enrollment, Event, Message, Decision)
"""Tables by whose rows a customer is missed who is not there."""


def ids(session: Session, after: str, limit: int) -> Sequence[str]:
    """The next customers behind the id `after`, in the order of their ids."""
    return session.exec(
        select(Customer.id).where(col(Customer.id) > after).order_by(col(Customer.id)).limit(limit)
    ).all()


def missed(session: Session, after: str, until: str | None, limit: int) -> Sequence[str]:
    """Ids of customers who have rows and are not there, in their order: behind `after`, `until` one (None: all).

    Between two customers who are there few rows can stand, so each table is asked for as much as theirs.
    """
    found = set[str]()
    for table in OWNED:
        owner = SQLModel.metadata.tables[str(table.__tablename__)].c.customer_id
        there = select(Customer.id).where(col(Customer.id) == owner, *_between(col(Customer.id), after, until))
        here = (*_between(owner, after, until), ~there.exists())
        query = sqlalchemy.select(owner).where(*here).distinct().order_by(owner).limit(limit)
        found |= {one for (one,) in session.connection().execute(query)}
    return sorted(found)[:limit]


def _between(column: Any, after: str, until: str | None) -> list[Any]:
    return [column > after] if until is None else [column > after, column <= until]


def whole(session: Session, customer_id: str) -> Sequence[Event]:
    """All events of a customer, in the order of their numbers."""
    return session.exec(select(Event).where(Event.customer_id == customer_id).order_by(col(Event.seq))).all()
