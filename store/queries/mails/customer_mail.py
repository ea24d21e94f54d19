"""The mail of customers: what they have had, and what is planned for them. Caps and preferences are decided on it.

Transactional mail is left out: no cap counts it, and nobody chooses it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, func, or_, select

from store import bulk
from store.queries.sending.lanes import TRANSACTIONAL
from store.statuses import COUNTED, MessageStatus
from store.tables.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class HadMail:
    """A mail that counts under caps: which it is, its topic, and the instant from which it counts (UTC)."""

    message: str
    topic: str
    at: datetime


_COUNTED_SINCE: Any = select_columns(
    col(Message.customer_id),
    col(Message.email),
    col(Message.id),
    col(Message.topic),
    func.coalesce(col(Message.accepted_at), col(Message.updated_at)),
).where(
    or_(
        bulk.among(Message.customer_id, "customers"),
        bulk.among(Message.email, "emails"),
    ),
    col(Message.lane) != TRANSACTIONAL,
    col(Message.status).in_(COUNTED),
    col(Message.updated_at) > bindparam("since"),
)


def counted_since(
    session: Session, customer_ids: Collection[str], emails: Collection[str], since: datetime
) -> Iterator[tuple[str, str | None, HadMail]]:
    """Each mail that these customers, or these addresses, have had, or may have had, after `since`, with both.

    The instant is that of its acceptance by the provider; before that, or where nobody knows, that of its last change.
    """
    asked = {"customers": list(customer_ids), "emails": list(emails), "since": since}
    session.flush()
    rows: Any = session.connection().execute(_COUNTED_SINCE, asked)
    for customer_id, email, name, topic, counts_from in rows:
        yield customer_id, email, HadMail(message=name, topic=topic, at=counts_from)


def planned_beside(session: Session, customer_id: str, email: str | None, but: str) -> Sequence[Message]:
    """The messages to a customer, or to their address, that are planned and not claimed, but for one, as planned."""
    theirs = col(Message.customer_id) == customer_id
    query = select(Message).where(
        theirs if email is None else or_(theirs, col(Message.email) == email),
        Message.lane != TRANSACTIONAL,
        Message.status == MessageStatus.PLANNED,
        Message.id != but,
    )
    return session.exec(query.order_by(col(Message.planned_at))).all()


def topics_had(session: Session, customer_id: str) -> Sequence[str]:
    """The topics that a customer has had, or is to have, mail about, each once."""
    query = select(Message.topic).where(Message.customer_id == customer_id, Message.lane != TRANSACTIONAL)
    return session.exec(query.distinct()).all()
