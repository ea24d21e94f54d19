"""Queries about customers and what they did."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlmodel import Session, col, func, select

from store.queries.tombstones import USER
from store.tables.customers import Alias, Consent, Customer, Event


def lock(session: Session, customer_id: str) -> Customer | None:
    """The customer's row, held until the transaction ends: whoever changes something about them queues here."""
    return session.exec(select(Customer).where(Customer.id == customer_id).with_for_update()).first()


def lock_all(session: Session, customer_ids: Iterable[str]) -> Sequence[Customer]:
    """The rows of many customers, held until the transaction ends; locked, and returned, in the order of their ids.

    Whoever locks several locks them here and at once, so that two who want the same ones never wait for each other.
    """
    query = select(Customer).where(col(Customer.id).in_(list(customer_ids))).order_by(col(Customer.id))
    return session.exec(query.with_for_update()).all()


def by_ids(session: Session, customer_ids: Iterable[str]) -> Sequence[Customer]:
    """The customers with these ids, in their order."""
    query = select(Customer).where(col(Customer.id).in_(list(customer_ids))).order_by(col(Customer.id))
    return session.exec(query).all()


def known_users(session: Session, external_ids: Sequence[str]) -> set[str]:
    """Those of the customers' own ids that somebody has, or had before a merge."""
    own = select(Customer.external_id).where(col(Customer.external_id).in_(external_ids))
    former = select(Alias.value).where(Alias.kind == USER, col(Alias.value).in_(external_ids))
    return {name for name in (*session.exec(own), *session.exec(former)) if name is not None}


def by_external_id(session: Session, external_id: str) -> Customer | None:
    return session.exec(select(Customer).where(Customer.external_id == external_id)).first()


def by_user(session: Session, user_id: str) -> Customer | None:
    """Whoever has this id, or had it before a merge."""
    found = by_external_id(session, user_id)
    former = None if found is not None else session.get(Alias, (USER, user_id))
    return found if former is None else session.get(Customer, former.customer_id)


def find(session: Session, name: str) -> Customer | None:
    """By the customer's own id (or a former one), email address, or internal id: what a person types."""
    if "\0" in name:
        return None
    for wanted in dict.fromkeys((name, name.strip())):
        former = select(Alias.customer_id).where(Alias.kind == USER, Alias.value == wanted)
        for clause in (
            Customer.external_id == wanted,
            Customer.email == wanted.lower(),
            Customer.id == wanted,
            col(Customer.id).in_(former),
        ):
            found = session.exec(select(Customer).where(clause).order_by(col(Customer.id)).limit(1)).first()
            if found is not None:
                return found
    return None


def events_above(session: Session, customer_id: str, seq: int, names: Iterable[str]) -> Sequence[Event]:
    """Events that may fire something, above a cursor, in order."""
    wanted = list(names)
    if not wanted:
        return []
    query = (
        select(Event)
        .where(Event.customer_id == customer_id, col(Event.seq) > seq, col(Event.name).in_(wanted), col(Event.fires))
        .order_by(col(Event.seq))
    )
    return session.exec(query).all()


def events_up_to(session: Session, customer_id: str, name: str, seq: int) -> Sequence[Event]:
    query = select(Event).where(Event.customer_id == customer_id, Event.name == name, col(Event.seq) <= seq)
    return session.exec(query.order_by(col(Event.seq))).all()


def event(session: Session, customer_id: str, seq: int) -> Event | None:
    return session.exec(select(Event).where(Event.customer_id == customer_id, Event.seq == seq)).first()


def last_seq_by(session: Session, customer_id: str, at: datetime) -> int:
    """The number of the last event received by this instant; 0 where there was none."""
    query = select(func.max(Event.seq)).where(Event.customer_id == customer_id, col(Event.received_at) <= at)
    return session.exec(query).one() or 0


def names_above(session: Session, customer_id: str, seq: int) -> Sequence[str]:
    query = select(Event.name).where(Event.customer_id == customer_id, col(Event.seq) > seq).distinct()
    return session.exec(query).all()


def known_message_ids(session: Session, message_ids: Sequence[str]) -> set[str]:
    """Those of the ids that an event has already; asked for past the compiler, which thousands of marks keep busy."""
    found: set[str] = set()
    connection = session.connection()
    mark = "%s" if connection.dialect.name == "postgresql" else "?"
    for start in range(0, len(message_ids), 500):
        part = tuple(message_ids[start : start + 500])
        query = f"SELECT message_id FROM event WHERE message_id IN ({', '.join([mark] * len(part))})"
        found.update(row[0] for row in connection.exec_driver_sql(query, part))
    return found


def consent(session: Session, customer_id: str, topic: str) -> bool | None:
    """What the customer said: False where they left this topic or all of them ("*"), None where they said nothing."""
    query = select(Consent.topic, Consent.granted).where(
        Consent.customer_id == customer_id, col(Consent.topic).in_([topic, "*"]), ~col(Consent.pending)
    )
    said = dict(session.exec(query).all())
    return said.get(topic) if said.get("*", True) else False
