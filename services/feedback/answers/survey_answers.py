"""Answers to the surveys of mails: kept once a mail, changed by whoever holds its link, and heard by journeys.

A link may be forwarded or followed again: there is one answer of a mail, and the last one stands. The same answer said
again is no event. Of an erased customer there is no mail any more, and so nothing to answer.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from readers.survey_scales import ANSWERED, Scale
from services.customers.history.event_log import NewEvent
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.errors import InvalidInput, NotFound
from store.queries.feedback import survey_answers
from store.queries.identity import customers
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from store.tables.surveys import SurveyAnswer

LONGEST = 2_000
"""Characters of what somebody writes beside their score."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """An answer as it is kept: `words` is None where nothing was written."""

    score: int
    label: str
    words: str | None


def customer_of(session: Session, send_id: str) -> str:
    """Whose mail it is (an internal id); raise NotFound where there is none any more."""
    mail = session.get(Message, send_id)
    if mail is None:
        raise NotFound("this mail is no longer known")
    return mail.customer_id


def answer(session: Session, send_id: str, scale: Scale, score: int, words: str | None, now: datetime) -> Given:
    """Keep the answer of a mail, and tell journeys where the score is new; what is kept of it now.

    `words` of None leaves what was written before. Raise NotFound where the mail or its customer is gone, InvalidInput
    for a score that is not on the scale.
    """
    customer = customers.lock(session, customer_of(session, send_id))
    mail = session.get(Message, send_id)
    if customer is None or mail is None:
        raise NotFound("this customer no longer exists")
    try:
        label = scale.class_of(score)
    except ValueError as error:
        raise InvalidInput(str(error), "score") from None
    known = survey_answers.get(session, send_id, scale.survey)
    new = known is None or known.score != score
    kept = known or _first(session, mail, scale.survey, now)
    if words is not None:
        kept.words = words.strip()[:LONGEST] or None
    kept.score, kept.label, kept.changed_at = score, label, now
    session.add(kept)
    session.flush()
    if new:
        said = {"survey": scale.survey, "score": score, "class": label}
        event = NewEvent(name=ANSWERED, properties=said, at=now)
        customer_events.record(session, customer, event, Listeners.load(session), now)
    return Given(score=score, label=label, words=kept.words)


def _first(session: Session, mail: Message, survey: str, now: datetime) -> SurveyAnswer:
    run = session.get(Enrollment, mail.enrollment_id) if mail.enrollment_id else None
    return SurveyAnswer(
        message_id=mail.id,
        survey=survey,
        customer_id=mail.customer_id,
        journey=mail.journey,
        version=run.version if run is not None else 0,
        stage=mail.stage,
        broadcast=mail.broadcast,
        template=mail.template,
        score=0,
        label="",
        at=now,
        changed_at=now,
    )
