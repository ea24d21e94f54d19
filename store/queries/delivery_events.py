"""What providers reported about messages: kept once each."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store import bulk
from store.tables.messages import DeliveryEvent


def known_ids(session: Session, ids: Sequence[str]) -> set[str]:
    """Those of the ids (fingerprints of reports) that are kept."""
    found: set[str] = set()
    for part in bulk.parts(sorted(set(ids))):
        found.update(session.exec(select(DeliveryEvent.id).where(col(DeliveryEvent.id).in_(part))).all())
    return found


def known_names(session: Session, provider: str, names: Sequence[str]) -> set[str]:
    """Those of a provider's own names of events that are kept."""
    found: set[str] = set()
    for part in bulk.parts(sorted(set(names))):
        query = select(DeliveryEvent.name).where(DeliveryEvent.provider == provider, col(DeliveryEvent.name).in_(part))
        found.update(one for one in session.exec(query).all() if one is not None)
    return found


def of_message(session: Session, message_id: str) -> Sequence[DeliveryEvent]:
    """What was reported about a message, in the order of their instants."""
    query = select(DeliveryEvent).where(DeliveryEvent.message_id == message_id)
    return session.exec(query.order_by(col(DeliveryEvent.at), col(DeliveryEvent.id))).all()


def kinds_by_customers(session: Session, message_id: str) -> set[str]:
    """What people (not machines) have done with a message until now."""
    query = select(DeliveryEvent.kind).where(DeliveryEvent.message_id == message_id, ~col(DeliveryEvent.machine))
    return set(session.exec(query.distinct()).all())


def known_since(
    session: Session, message_id: str, provider: str, kind: str, url: str | None, machine: bool, since: datetime
) -> bool:
    """Whether this provider has reported the same of a mail after an instant: kind, link, by a machine or not."""
    same = (
        col(DeliveryEvent.message_id) == message_id,
        col(DeliveryEvent.at) > since,
        DeliveryEvent.provider == provider,
        DeliveryEvent.kind == kind,
        col(DeliveryEvent.url).is_(None) if url is None else col(DeliveryEvent.url) == url,
        col(DeliveryEvent.machine) == machine,
    )
    return session.exec(select(DeliveryEvent.id).where(*same).limit(1)).first() is not None
