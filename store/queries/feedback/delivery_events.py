"""What providers reported about messages: kept once each."""

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, NamedTuple

import sqlalchemy
from sqlmodel import Session, col, func, select

from store import bulk
from store.tables.attribution import MailOutcome
from store.tables.messages import DeliveryEvent


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Keep reports; IntegrityError where one of them is kept already."""
    bulk.add(session, DeliveryEvent, rows)


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


class Told(NamedTuple):
    """What was reported of a message, when, and whether a machine did it."""

    kind: str
    at: datetime
    machine: bool


def told(session: Session, message_ids: Collection[str]) -> dict[str, list[Told]]:
    """What was reported of each of these messages until now, in no order; an empty list where nothing."""
    found: dict[str, list[Told]] = {one: [] for one in message_ids}
    for part in bulk.parts(sorted(found)):
        query = select(DeliveryEvent.message_id, DeliveryEvent.kind, DeliveryEvent.at, DeliveryEvent.machine)
        here = query.where(col(DeliveryEvent.message_id).in_(part))
        for message_id, kind, at, machine in session.exec(here).all():
            found[message_id].append(Told(kind, at, machine))
    return found


def left_by_link(session: Session, message_ids: Collection[str]) -> set[str]:
    """Those of these mails whose topic somebody left by one of their links."""
    found: set[str] = set()
    for part in bulk.parts(sorted(message_ids)):
        here = col(MailOutcome.message_id).in_(part), MailOutcome.unsubscribed > 0
        found.update(session.exec(select(MailOutcome.message_id).where(*here)).all())
    return found


def last_since(
    session: Session, message_ids: Collection[str], provider: str, since: datetime
) -> dict[tuple[str, str, str | None, bool], datetime]:
    """When a provider last reported the same of these mails after an instant: by mail, kind, link, machine or not."""
    table: Any = DeliveryEvent
    same = (table.message_id, table.kind, table.url, table.machine)
    found: dict[tuple[str, str, str | None, bool], datetime] = {}
    for part in bulk.parts(sorted(message_ids)):
        here = (
            col(DeliveryEvent.message_id).in_(part),
            col(DeliveryEvent.at) > since,
            col(DeliveryEvent.provider) == provider,
        )
        query: Any = sqlalchemy.select(*same, func.max(table.at)).where(*here).group_by(*same)
        rows: Any = session.connection().execute(query)
        for message_id, kind, url, machine, at in rows:
            found[message_id, kind, url, machine] = at
    return found
