"""Answers to surveys: one of a mail, and all of them counted."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import func
from sqlalchemy import select as sql_select
from sqlmodel import Session, col

from store.tables.surveys import SurveyAnswer


class AnswersCounted(NamedTuple):
    """How many answers have one class, and what their scores add up to."""

    survey: str
    journey: str
    version: int
    stage: str
    label: str
    answers: int
    total: int


_WHERE: Any = (SurveyAnswer.survey, SurveyAnswer.journey, SurveyAnswer.version, SurveyAnswer.stage, SurveyAnswer.label)


def get(session: Session, message_id: str, survey: str) -> SurveyAnswer | None:
    """What was answered with a mail; None where nothing was."""
    return session.get(SurveyAnswer, (message_id, survey))


def counted(session: Session, survey: str | None, journey: str | None) -> Sequence[AnswersCounted]:
    """The answers to a survey (None: to each) that mails of a journey (None: all mails) got."""
    query: Any = sql_select(*_WHERE, func.count(), func.sum(SurveyAnswer.score)).group_by(*_WHERE).order_by(*_WHERE)
    if survey is not None:
        query = query.where(col(SurveyAnswer.survey) == survey)
    if journey is not None:
        query = query.where(col(SurveyAnswer.journey) == journey)
    found: Any = session.connection().execute(query)
    return [AnswersCounted(*row) for row in found]
