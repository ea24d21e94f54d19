"""Events: what customers did, numbered per customer, each message id once."""

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, func, select

from store import bulk
from store.tables.customers import Event


def add(session: Session, rows: Sequence[bulk.Row]) -> None:
    """Append events."""
    bulk.add(session, Event, rows)


def get(session: Session, customer_id: str, seq: int) -> Event | None:
    """The customer's event of this number."""
    return session.exec(select(Event).where(Event.customer_id == customer_id, Event.seq == seq)).first()


def above(session: Session, customer_id: str, seq: int, names: Collection[str]) -> Sequence[Event]:
    """Events of these names that may fire something, above a cursor, in order."""
    if not names:
        return []
    query = select(Event).where(
        Event.customer_id == customer_id, col(Event.seq) > seq, col(Event.name).in_(names), col(Event.fires)
    )
    return session.exec(query.order_by(col(Event.seq))).all()


def up_to(session: Session, customer_id: str, name: str, seq: int) -> Sequence[Event]:
    """Events of a name up to the number `seq`, in order."""
    query = select(Event).where(Event.customer_id == customer_id, Event.name == name, col(Event.seq) <= seq)
    return session.exec(query.order_by(col(Event.seq))).all()


def names_above(session: Session, customer_id: str, seq: int) -> Sequence[str]:
    """The names of events above the number `seq`, each once."""
    query = select(Event.name).where(Event.customer_id == customer_id, col(Event.seq) > seq).distinct()
    return session.exec(query).all()


def last_seq_by(session: Session, customer_id: str, at: datetime) -> int:
    """The number of the last event received by this instant; 0 where there was none."""
    query = select(func.max(Event.seq)).where(Event.customer_id == customer_id, col(Event.received_at) <= at)
    return session.exec(query).one() or 0


def known_message_ids(session: Session, message_ids: Iterable[str]) -> set[str]:
    """Those of the ids that an event has already."""
    return {found for (found,) in bulk.matching(session, Event, ("message_id",), "message_id", message_ids)}


def give(session: Session, source: str, target: str, *, base: int, fires_from: int) -> None:
    """Make a customer's events another's, numbered from `base` on; those up to `fires_from` fire nothing more."""
    here = update(Event).where(col(Event.customer_id) == source)
    session.connection().execute(here.where(col(Event.seq) <= fires_from).values(fires=False))
    session.connection().execute(here.values(customer_id=target, seq=col(Event.seq) + base))
