"""Leaving a topic: consent withdrawn at once, by the recipient's own link."""

from datetime import datetime

from sqlmodel import Session

from services.errors import NotFound
from store import customers
from store.tables import Consent, Decision
from store.types import new_id


def unsubscribe(session: Session, customer_id: str, topic: str, source: str, now: datetime) -> bool:
    """Withdraw consent for a topic ("*" is all of them); False where it was withdrawn before."""
    customer = customers.lock(session, customer_id)
    if customer is None:
        raise NotFound("this customer no longer exists")
    known = session.get(Consent, (customer_id, topic))
    if known is not None and not known.granted:
        return False
    session.merge(Consent(customer_id=customer_id, topic=topic, granted=False, source=source, at=now))
    session.add(
        Decision(
            id=new_id("dec"),
            customer_id=customer_id,
            journey="",
            at=now,
            what="unsubscribed",
            detail={"topic": topic, "source": source},
        )
    )
    return True


def left(session: Session, customer_id: str, topic: str) -> bool:
    return customers.unsubscribed(session, customer_id, topic)
