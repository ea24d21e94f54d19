"""A mail of a journey that hours or a cap hold, let past them by a person: this one mail, and past nothing else.

It is planned for now, and its enrollment names it, so that whoever claims it asks every policy but hours and caps. The
enrollment goes on when it would have: it finds that its mail went.
"""

from datetime import datetime

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.queries.enrollment import decisions
from store.queries.identity import customers
from store.queries.mails import messages
from store.statuses import CLAIMABLE, MessageStatus
from store.tables.enrollments import Enrollment
from store.tables.messages import Message

HELD_BY = ("quiet_hours", "send_window", "frequency_cap")
"""What puts a mail off and can be passed."""

MOST = 200
"""Decisions about one mail that are looked through, the newest."""


def reason(session: Session, message: Message, now: datetime) -> str | None:
    """Which of HELD_BY holds this mail now; None where it is held by none, or something else was decided since."""
    waits = message.status in CLAIMABLE and message.not_before is not None and message.not_before > now
    if not waits or message.enrollment_id is None:
        return None
    said = decisions.of_message(session, message, MOST)
    last = next((one for one in reversed(said) if one.detail.get("message") == message.id), None)
    held = last.detail.get("reason") if last is not None and last.what == "deferred" else None
    return held if held in HELD_BY else None


def let_past(session: Session, message_id: str, said: str, now: datetime) -> Message:
    """Plan it for now, past hours and caps, on record; raise NotFound, Refused where neither holds it."""
    found = session.get(Message, message_id)
    if found is None:
        raise NotFound(f"there is no message {message_id!r}")
    if found.enrollment_id is not None:
        customers.lock_owners(session, [found.enrollment_id])
    message = messages.locked(session, message_id)
    held = reason(session, message, now) if message is not None else None
    run = session.get(Enrollment, message.enrollment_id) if message is not None and held is not None else None
    if message is None or run is None:
        raise Refused("it is held by no hours and by no cap; look at the page of the mail once more")
    run.sent_past, message.not_before = message.id, now
    messages.change(session, message, MessageStatus.PLANNED, now)
    session.add(run)
    detail = {"message": message.id, "template": message.template, "past": held, "explanation": said}
    decisions.note(session, message, "planned", detail, now)
    session.flush()
    return message
