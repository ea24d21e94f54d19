"""The mail of customers: what they have had, and what is planned for them. Caps and preferences are decided on it.

Transactional mail is left out: no cap counts it, and nobody chooses it.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, func, select

from store.queries.lanes import TRANSACTIONAL
from store.statuses import COUNTED, MessageStatus
from store.tables.messages import Message


@dataclass(frozen=True, slots=True, kw_only=True)
class HadMail:
    """A mail that counts under caps: which it is, its topic, and the instant from which it counts (UTC)."""

    message: str
    topic: str
    at: datetime


def counted_since(session: Session, customer_ids: Collection[str], since: datetime) -> Iterator[tuple[str, HadMail]]:
    """Each mail that these customers have had, or may have had, after `since`, with the customer.

    The instant is that of its acceptance by the provider; before that, or where nobody knows, that of its last change.
    """
    at = func.coalesce(col(Message.accepted_at), col(Message.updated_at))
    query = select(Message.customer_id, Message.id, Message.topic, at).where(
        col(Message.customer_id).in_(customer_ids),
        Message.lane != TRANSACTIONAL,
        col(Message.status).in_(COUNTED),
        col(Message.updated_at) > since,
    )
    for customer_id, name, topic, counts_from in session.exec(query):
        yield customer_id, HadMail(message=name, topic=topic, at=counts_from)


def planned_beside(session: Session, customer_id: str, but: str) -> Sequence[Message]:
    """The customer's messages that are planned and not claimed, but for one, in the order of their planning."""
    query = select(Message).where(
        Message.customer_id == customer_id,
        Message.lane != TRANSACTIONAL,
        Message.status == MessageStatus.PLANNED,
        Message.id != but,
    )
    return session.exec(query.order_by(col(Message.planned_at))).all()


def topics_had(session: Session, customer_id: str) -> Sequence[str]:
    """The topics that a customer has had, or is to have, mail about, each once."""
    query = select(Message.topic).where(Message.customer_id == customer_id, Message.lane != TRANSACTIONAL)
    return session.exec(query.distinct()).all()
