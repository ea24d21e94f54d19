"""The mail of customers: what they have had, and what is planned for them. Caps and preferences are decided on it.

Transactional mail is left out: no cap counts it, and nobody chooses it.
"""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session, col, select

from store.queries.lanes import TRANSACTIONAL
from store.statuses import COUNTED, MessageStatus
from store.tables.messages import Message


def counted_since(
    session: Session, customer_ids: Collection[str], since: datetime
) -> Iterator[tuple[str, str, datetime]]:
    """Customer, topic and instant of each mail that these customers have had, or may have had, after `since`.

    The instant is that of its acceptance by the provider; before that, or where nobody knows, that of its last change.
    """
    query = select(Message.customer_id, Message.topic, Message.accepted_at, Message.updated_at).where(
        col(Message.customer_id).in_(customer_ids),
        Message.lane != TRANSACTIONAL,
        col(Message.status).in_(COUNTED),
        col(Message.updated_at) > since,
    )
    for customer_id, topic, accepted_at, updated_at in session.exec(query):
        yield customer_id, topic, accepted_at or updated_at


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
