"""Shapes of how colleagues answer to notes."""

from pydantic import BaseModel, Field


class NotesAnsweredOut(BaseModel):
    """How many notes were answered, of how many that were sent; with Wilson's interval, 95%."""

    count: int = Field(examples=[34])
    n: int = Field(examples=[40])
    rate: float | None = Field(examples=[0.85])
    low: float = Field(examples=[0.7093])
    high: float = Field(examples=[0.9294])


class TimeToAnswerOut(BaseModel):
    """How long the first answer took from when the note went, within nine percent."""

    n: int = Field(description="of how many answers", examples=[34])
    p25_hours: float = Field(description="a quarter took at most so long", examples=[0.7])
    median_hours: float = Field(examples=[3.2])
    p75_hours: float = Field(examples=[26.5])


class HandOverOut(BaseModel):
    """The notes of one step, each by its last answer."""

    journey: str = Field(examples=["saas_trial"])
    stage: str = Field(examples=["churned"])
    step: str = Field(examples=["churned/notify"])
    sent: int = Field(examples=[40])
    taken: int = Field(examples=[21])
    done: int = Field(examples=[9])
    not_interested: int = Field(examples=[4])
    unanswered: int = Field(description="nobody has answered them yet", examples=[6])
    answered: NotesAnsweredOut
    time_to_answer: TimeToAnswerOut | None = Field(description="null: none was answered")


class HandOverReport(BaseModel):
    """The steps whose notes went to colleagues by mail; empty where none did."""

    hand_overs: list[HandOverOut]
    told: str = Field(examples=["40 notes were sent, 34 were answered; half of the answers came within 3.2 hours."])
