"""Mails of which nobody can tell whether they went: a person decides, of one or of many, on record."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.queries.enrollment import decisions
from store.queries.mails import messages
from store.statuses import UNSURE, MessageStatus
from store.tables.messages import Message

Resolution = Literal["accepted", "resend", "failed"]
"""What a person can say of a mail."""

IN_A_CALL = timedelta(minutes=15)
"""How long a worker whose lane was taken over may still be in a call with a mail, at most: longer than the longest call
to any provider (`MailSender.longest`). So long a mail that is sent again waits, for the answer that may still come."""


def decide(session: Session, message_id: str, verdict: Resolution, by: str, now: datetime) -> Message:
    """accepted: it went. resend: it did not, so it is sent. failed: leave it.

    Raise NotFound, or Refused where it is neither unknown nor parked.
    """
    message = messages.locked(session, message_id)
    if message is None:
        raise NotFound(f"there is no message {message_id!r}")
    if message.status not in UNSURE:
        raise Refused(f"the message is {message.status}; only one that is unknown or parked is for a person to decide")
    _resolve(session, message, verdict, by, now)
    session.flush()
    return message


def decide_some(session: Session, ids: Sequence[str], verdict: Resolution, by: str, now: datetime) -> int:
    """Decide about some of many; return how many of them were still for a person to decide."""
    found = messages.all_locked(session, ids)
    unsure = [found[name] for name in sorted(found) if found[name].status in UNSURE]
    for message in unsure:
        _resolve(session, message, verdict, by, now)
    return len(unsure)


def _resolve(session: Session, message: Message, verdict: Resolution, by: str, now: datetime) -> None:
    match verdict:
        case "accepted":
            message.accepted_at = message.accepted_at or now
            messages.change(session, message, MessageStatus.ACCEPTED, now)
        case "resend":
            message.not_before = _not_in_a_call(message, now)
            messages.change(session, message, MessageStatus.PLANNED, now)
        case "failed":
            messages.change(session, message, MessageStatus.FAILED, now, reason="given_up")
    detail = {"message": message.id, "template": message.template, "explanation": f"decided by {by}"}
    decisions.note(session, message, "retried" if verdict == "resend" else message.status, detail, now)


def _not_in_a_call(message: Message, now: datetime) -> datetime:
    """When a mail may be sent again: a worker that was lost, or merely cut off, may be in a call with it still."""
    return max(now, message.updated_at + IN_A_CALL) if message.reason == "worker_lost" else now
