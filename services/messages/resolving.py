"""Mails of which nobody can tell whether they went: a person decides, on record."""

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.queries import decisions, messages
from store.statuses import UNSURE, MessageStatus
from store.tables.messages import Message

Resolution = Literal["accepted", "resend", "failed"]
"""What a person can say of a mail."""


def decide(session: Session, message_id: str, verdict: Resolution, by: str, now: datetime) -> Message:
    """accepted: it went. resend: it did not, so it is sent. failed: leave it.

    Raise NotFound, or Refused where it is neither unknown nor parked.
    """
    message = messages.locked(session, message_id)
    if message is None:
        raise NotFound(f"there is no message {message_id!r}")
    if message.status not in UNSURE:
        raise Refused(f"the message is {message.status}; only one that is unknown or parked is for a person to decide")
    match verdict:
        case "accepted":
            message.accepted_at = message.accepted_at or now
            messages.change(session, message, MessageStatus.ACCEPTED, now)
        case "resend":
            message.not_before = now
            messages.change(session, message, MessageStatus.PLANNED, now)
        case "failed":
            messages.change(session, message, MessageStatus.FAILED, now, reason="given_up")
    detail = {"message": message.id, "template": message.template, "explanation": f"decided by {by}"}
    decisions.note(session, message, "retried" if verdict == "resend" else message.status, detail, now)
    session.flush()
    return message
