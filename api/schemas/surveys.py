"""Shapes of what customers answer to surveys."""

from pydantic import BaseModel, Field


class NetScoreOut(BaseModel):
    """Promoters less detractors in points, -100 to 100, and where it lies with 95% confidence."""

    score: float = Field(examples=[31.2])
    low: float = Field(examples=[18.4])
    high: float = Field(examples=[42.7])


class SurveyAnswersOut(BaseModel):
    """The answers to one survey: of all mails together (the rest is null), or of one stage in one version."""

    survey: str = Field(examples=["nps"])
    journey: str | None = Field(description="empty: mails of no journey", examples=["lifecycle"])
    version: int | None = Field(examples=[3])
    stage: str | None = Field(examples=["repeat_buyer"])
    answers: int = Field(examples=[125])
    mean: float = Field(description="of the scores", examples=[7.9])
    classes: dict[str, int] = Field(examples=[{"promoter": 64, "passive": 36, "detractor": 25}])
    net: NetScoreOut | None = Field(description="of nps alone")


class SurveyReport(BaseModel):
    """Each survey as a whole, and then by journey, version and stage; empty where nobody answered."""

    surveys: list[SurveyAnswersOut]
    told: str = Field(
        description="in a sentence for each survey",
        examples=["125 answers to nps: a net score of +31 points (95%: +17 to +44)."],
    )
