"""Leaving a topic: consent withdrawn at once, by the recipient's own link."""

from datetime import datetime

from sqlmodel import Session

from services.feedback import consents
from store.queries import customers


def unsubscribe(session: Session, customer_id: str, topic: str, source: str, now: datetime) -> bool:
    """Withdraw consent for a topic ("*" is all of them); False where it was withdrawn before."""
    return consents.say(session, customer_id, topic, False, source, now, now)


def left(session: Session, customer_id: str, topic: str) -> bool:
    return customers.consent(session, customer_id, topic) is False
