"""Leaving a topic: consent withdrawn at once, by the recipient's own link."""

from datetime import datetime

from sqlmodel import Session

from services.feedback import consents


def unsubscribe(session: Session, customer_id: str, topic: str, source: str, now: datetime) -> bool:
    """Withdraw consent for a topic ("*" is all of them); False where it was withdrawn before.

    `source` is kept with it. Raise InvalidInput where the topic is none, NotFound where the customer is gone.
    """
    return consents.record(session, customer_id, topic, False, source, now, now)
