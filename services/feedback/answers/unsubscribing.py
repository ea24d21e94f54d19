"""Leaving a topic: consent withdrawn at once, by the recipient's own link."""

from datetime import datetime

from sqlmodel import Session

from services.attribution import mail_outcomes
from services.feedback.answers import consents
from store.tables.messages import Message


def unsubscribe(
    session: Session, customer_id: str, topic: str, source: str, now: datetime, send_id: str | None = None
) -> bool:
    """Withdraw consent for a topic ("*" is all of them); False where it was withdrawn before.

    `source` is kept with it; `send_id` is the mail whose link was followed, in whose inbox it is said. Raise
    InvalidInput where the topic is none, NotFound where the customer is gone.
    """
    mail = session.get(Message, send_id) if send_id is not None else None
    email = mail.email if mail is not None else None
    changed = consents.record(session, customer_id, topic, False, source, now, now, email=email)
    if changed and mail is not None:
        mail_outcomes.unsubscribed(session, mail, now)
    return changed
