"""Taking back a mail that no lane has claimed: it is skipped, with its reason on record."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session

from store import bulk
from store.queries.enrollment import decisions
from store.queries.mails import messages
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.messages import Message


def withdraw(
    session: Session, message_id: str, reason: str, now: datetime, why: Mapping[str, Any] | None = None
) -> bool:
    """Skip a mail that no lane has claimed, on record, with `why`; False where it is too late, or it is not there."""
    message = messages.locked(session, message_id)
    if message is None or message.status not in CLAIMABLE:
        return False
    decisions.add(session, [skip(session, message, reason, now, why)])
    return True


def withdraw_all(session: Session, found: Sequence[Message], reason: str, now: datetime) -> None:
    """`withdraw` many that the caller has locked, and that no lane has claimed."""
    decisions.add(session, [skip(session, one, reason, now) for one in found])


def skip(
    session: Session, message: Message, reason: str, now: datetime, why: Mapping[str, Any] | None = None
) -> bulk.ColumnValues:
    """Skip a mail that is locked and not claimed; return the decision, to be put on record."""
    message.not_before = None
    messages.change(session, message, MessageStatus.SKIPPED, now, reason=reason)
    detail = {"message": message.id, "template": message.template, "reason": reason, **(why or {})}
    return decisions.about(message, "skipped", detail, now)
