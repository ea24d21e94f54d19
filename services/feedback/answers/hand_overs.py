"""Answers of colleagues to notes: one of a note, changed by whoever holds its link, and heard by journeys.

A link may be forwarded or followed again: there is one answer of a note, and the last one stands. The same answer said
again is no event. The time to answer is that of the first answer. Of an erased customer there is no note any more, and
to one that was given up nothing is to be said.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from readers.hand_over_answers import ANSWERED, HandOverAnswer
from services.customers.history.event_log import NewEvent
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.errors import NotFound, Refused
from store.queries.feedback import hand_overs
from store.queries.feedback.hand_overs import UNANSWERED
from store.queries.identity import customers
from store.queries.sending import hooks
from store.statuses import HookStatus
from store.tables.enrollments import Hook
from store.tables.note_answers import NoteAnswer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answered:
    """What is kept of a note: None where nobody has answered it."""

    answer: HandOverAnswer | None


def look(session: Session, note: str) -> Answered:
    """What was answered to a note by now, by the id of its hook; raise as `answer` does."""
    if session.get(Hook, note) is None:
        raise NotFound("this note is no longer known")
    _open(session.get_one(Hook, note))
    known = hand_overs.get(session, note)
    return Answered(answer=HandOverAnswer(known.answer) if known is not None else None)


def answer(session: Session, note: str, said: HandOverAnswer, now: datetime) -> Answered:
    """Keep the answer to a note, and tell journeys where it is another one than before.

    Raise NotFound where the note or its customer is gone, Refused where the note was given up.
    """
    known = session.get(Hook, note)
    customer = customers.lock(session, known.customer_id) if known is not None else None
    hook = hooks.locked(session, note) if customer is not None else None
    if customer is None or hook is None:
        raise NotFound("this note is no longer known")
    _open(hook)
    kept = hand_overs.get(session, note)
    before = kept.answer if kept is not None else _counted_as(hook)
    if before == said:
        return Answered(answer=said)
    kept = kept or _first(hook, now)
    kept.answer, kept.changed_at = said, now
    session.add(kept)
    session.flush()
    hand_overs.answered(session, kept, before)
    told = {"answer": said, "journey": hook.journey, "stage": hook.stage, "step": hook.step, "note": hook.id}
    event = NewEvent(name=ANSWERED, properties=told, at=now)
    customer_events.record(session, customer, event, Listeners.load(session), now)
    return Answered(answer=said)


def _open(hook: Hook) -> None:
    if hook.status == HookStatus.CANCELLED:
        raise Refused("this note was given up: nothing is expected of anybody")


def _counted_as(hook: Hook) -> str | None:
    """A note whose mail nobody knows to have gone is counted by its answer alone, which says that it went."""
    return UNANSWERED if hook.status == HookStatus.DELIVERED else None


def _first(hook: Hook, now: datetime) -> NoteAnswer:
    """`updated_at` is when the note went, or when it was last tried."""
    return NoteAnswer(
        hook_id=hook.id,
        customer_id=hook.customer_id,
        journey=hook.journey,
        stage=hook.stage,
        step=hook.step,
        answer=UNANSWERED,
        seconds=max(0, int((now - hook.updated_at).total_seconds())),
        at=now,
        changed_at=now,
    )
