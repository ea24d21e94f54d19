"""Customers: found by what a person types, and locked by whoever changes something about them."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import exists, func
from sqlalchemy import select as sql_select
from sqlalchemy.orm import make_transient_to_detached
from sqlmodel import Session, SQLModel, col, select

from store import addresses, bulk
from store.queries.identity import customer_words
from store.queries.identity.tombstones import USER
from store.tables.customers import Alias, Customer, Event
from store.tables.enrollments import Enrollment

_COLUMNS = tuple(SQLModel.metadata.tables[str(Customer.__tablename__)].c.keys())


class CustomerRow(NamedTuple):
    """What guards see of a customer, as a plain row: a third of what a row of the session costs."""

    id: str
    external_id: str | None
    anonymous_id: str | None
    timezone: str | None
    attributes: dict[str, Any]
    events: dict[str, Any]
    segments: list[str]
    purchases: dict[str, Any]
    source: dict[str, Any]
    seq: int


_OF_ROWS: Any = tuple(getattr(Customer, name) for name in CustomerRow._fields)


def lock(session: Session, customer_id: str) -> Customer | None:
    """The customer's row, held until the transaction ends: whoever changes something about them queues here.

    None where there is none (any more).
    """
    return session.exec(select(Customer).where(Customer.id == customer_id).with_for_update()).first()


_OWNERS: Any = (
    select(Customer)
    .where(col(Customer.id).in_(select(Enrollment.customer_id).where(bulk.among(Enrollment.id, "ids"))))
    .order_by(col(Customer.id))
)
_HELD, _LEFT = _OWNERS.with_for_update(), _OWNERS.with_for_update(skip_locked=True)


def lock_owners(session: Session, enrollment_ids: Collection[str], *, wait: bool = True) -> Mapping[str, Customer]:
    """`lock` of whose these enrollments are, in the order of their ids; without `wait` who is held is passed over."""
    found: Any = session.exec(_HELD if wait else _LEFT, params={"ids": list(enrollment_ids)})
    return {one.id: one for one in found}


_ALL: Any = select(Customer).where(bulk.among(Customer.id, "ids")).order_by(col(Customer.id)).with_for_update()


def lock_all(session: Session, customer_ids: Iterable[str]) -> Sequence[Customer]:
    """The rows of many customers, held until the transaction ends; locked, and returned, in the order of their ids.

    Whoever locks several locks them here and at once, so that two who want the same ones never wait for each other.
    """
    found: list[Customer] = []
    for part in bulk.parts(sorted(set(customer_ids))):
        found += session.exec(_ALL, params={"ids": part}).all()
    return found


def add(session: Session, new: Sequence[Customer]) -> None:
    """Insert customers by one statement, their words by another; this session knows them as rows from now on."""
    bulk.add(session, Customer, [{name: getattr(one, name) for name in _COLUMNS} for one in new])
    customer_words.add(session, new)
    for one in new:
        make_transient_to_detached(one)
        session.add(one)


def change(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Give customers new columns, by their `id`, past the session; the columns are the same for all."""
    bulk.change(session, Customer, rows)


def by_ids(session: Session, customer_ids: Iterable[str]) -> Sequence[Customer]:
    """The customers with these ids, in the order of their ids; what is gone is left out. Nobody is locked."""
    query = select(Customer).where(col(Customer.id).in_(list(customer_ids))).order_by(col(Customer.id))
    return session.exec(query).all()


def rows_by_ids(session: Session, customer_ids: Iterable[str]) -> Sequence[CustomerRow]:
    """The same as plain rows."""
    found: list[CustomerRow] = []
    for part in bulk.parts(sorted(set(customer_ids))):
        query = sql_select(*_OF_ROWS).where(col(Customer.id).in_(part)).order_by(col(Customer.id))
        found += map(CustomerRow._make, session.connection().execute(query).all())
    return found


def last_events(session: Session, customer_ids: Collection[str]) -> dict[str, int]:
    """The numbers of these customers' last events, by their ids."""
    return {row[0]: row[1] for row in bulk.matching(session, Customer, ("id", "seq"), "id", sorted(customer_ids))}


def ids_by_email(session: Session, emails: Iterable[str]) -> set[str]:
    """The ids of everybody with one of these addresses (in their normal form)."""
    return {one for (one,) in bulk.matching(session, Customer, ("id",), "email", sorted(set(emails)))}


def addresses_of_somebody(session: Session, emails: Iterable[str]) -> set[str]:
    """Those of these addresses (in their normal form) that a customer has."""
    return {one for (one,) in bulk.matching(session, Customer, ("email",), "email", sorted(set(emails)))}


def ids_at_addresses_before(session: Session, emails: Iterable[str], before: str) -> Sequence[str]:
    """The ids below `before` of whoever has one of these addresses (in their normal form), in no order."""
    return [one for one in ids_by_email(session, emails) if one < before]


def of_address(session: Session, email: str, most: int) -> Sequence[Customer]:
    """Everybody with this address (in its normal form), the oldest first, `most` of them."""
    query = select(Customer).where(Customer.email == email).order_by(col(Customer.id))
    return session.exec(query.limit(most)).all()


def page(session: Session, after: str, limit: int) -> Sequence[Customer]:
    """A page of all customers in the order of their ids, behind the id `after`."""
    query = select(Customer).where(col(Customer.id) > after)
    return session.exec(query.order_by(col(Customer.id)).limit(limit)).all()


def count(session: Session) -> int:
    """How many customers there are."""
    return session.exec(select(func.count()).select_from(Customer)).one()


def count_with_address(session: Session, most: int | None = None) -> int:
    """How many customers have an address, by its index; with `most` it counts no further."""
    those: Any = select(Customer.id).where(col(Customer.email).is_not(None))
    found = (those.limit(most) if most is not None else those).subquery()
    return session.exec(select(func.count()).select_from(found)).one()


def with_address(session: Session, after: str, limit: int) -> Sequence[str]:
    """The ids of customers who have an address, a page in the order of these, behind the id `after`."""
    query = select(Customer.id).where(col(Customer.id) > after, col(Customer.email).is_not(None))
    return session.exec(query.order_by(col(Customer.id)).limit(limit)).all()


def purchases_page(session: Session, after: str, limit: int) -> Sequence[tuple[str, Mapping[str, Any]]]:
    """What customers bought with their ids, a page in the order of these, behind the id `after`."""
    query = select(Customer.id, Customer.purchases).where(col(Customer.id) > after)
    return session.exec(query.order_by(col(Customer.id)).limit(limit)).all()


def count_with_events(session: Session, begin: datetime | None, end: datetime) -> int:
    """How many customers have an event from `begin` (or ever) to `end`, both included; each is looked up once."""
    theirs = exists().where(col(Event.customer_id) == col(Customer.id), col(Event.at) <= end)
    theirs = theirs if begin is None else theirs.where(col(Event.at) >= begin)
    return session.exec(select(func.count()).select_from(Customer).where(theirs)).one()


def by_external_id(session: Session, external_id: str) -> Customer | None:
    """Whoever has this id of yours now, or None; a former one, of a merged profile, finds nobody here."""
    return session.exec(select(Customer).where(Customer.external_id == external_id)).first()


def by_user(session: Session, user_id: str) -> Customer | None:
    """Whoever has this id, or had it before a merge; None where nobody has."""
    found = by_external_id(session, user_id)
    former = None if found is not None else session.get(Alias, (USER, user_id))
    return found if former is None else session.get(Customer, former.customer_id)


def attributes_of_the_newest(session: Session, most: int) -> frozenset[str]:
    """The names of all attributes that the customers who came last have; none where there are no customers."""
    newest = select(Customer.attributes).order_by(col(Customer.id).desc()).limit(most)
    return frozenset(name for attributes in session.exec(newest).all() for name in attributes)


def find(session: Session, name: str) -> Customer | None:
    """By the customer's own id, email address, internal id, or a former id of theirs: what a person types.

    The first of these ways that finds somebody; of several with one address the oldest. None where nobody is found.
    """
    if "\0" in name:
        return None
    for wanted in dict.fromkeys((name, name.strip())):
        former = select(Alias.customer_id).where(Alias.kind == USER, Alias.value == wanted)
        for clause in (
            Customer.external_id == wanted,
            Customer.email == addresses.normal(wanted),
            Customer.id == wanted,
            col(Customer.id).in_(former),
        ):
            found = session.exec(select(Customer).where(clause).order_by(col(Customer.id)).limit(1)).first()
            if found is not None:
                return found
    return None


def find_all(session: Session, names: Iterable[str]) -> dict[str, str]:
    """`find` of many: the internal id of each who is found, by the name that was given."""
    forms = {name: list(dict.fromkeys((name, name.strip()))) for name in names if "\0" not in name}
    wanted = list(dict.fromkeys(form for those in forms.values() for form in those))
    emails = dict.fromkeys(map(addresses.normal, wanted))
    by_email = dict[str, str]()
    for email, found in bulk.matching(session, Customer, ("email", "id"), "email", emails):
        by_email[email] = min(found, by_email.get(email, found))
    by_own = dict(tuple(one) for one in bulk.matching(session, Customer, ("external_id", "id"), "external_id", wanted))
    by_id = {one: one for (one,) in bulk.matching(session, Customer, ("id",), "id", wanted)}
    former = bulk.matching(session, Alias, ("value", "customer_id"), "value", wanted, {"kind": USER})
    by_former = dict(tuple(one) for one in former)

    def find_one(form: str) -> str | None:
        return by_own.get(form) or by_email.get(addresses.normal(form)) or by_id.get(form) or by_former.get(form)

    found_ids = ((name, next(filter(None, map(find_one, those)), None)) for name, those in forms.items())
    return {name: one for name, one in found_ids if one is not None}
