"""What customers answered to the surveys in their mails."""

from datetime import datetime
from typing import Any, ClassVar

from sqlmodel import Field, Index, SQLModel

from store.types import instant_column as _at


class SurveyAnswer(SQLModel, table=True):
    """The answer of a mail to a survey: the last one, since it can be changed on its page.

    `journey`, `version`, `stage` and `broadcast` are those of the mail. `words` is what was written beside the score.
    """

    __tablename__: ClassVar[Any] = "survey_answer"
    __table_args__ = (Index("ix_survey_answer_survey", "survey", "journey", "version", "stage", "label", "score"),)

    message_id: str = Field(primary_key=True)
    survey: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    journey: str = ""
    version: int = 0
    stage: str = ""
    broadcast: str | None = None
    template: str = ""
    score: int
    label: str
    words: str | None = None
    at: datetime = _at()
    changed_at: datetime = _at()
