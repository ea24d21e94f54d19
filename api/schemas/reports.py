"""Reports."""

from datetime import date, datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.experiments import ExperimentOut
from journeys.language.definition import LifecyclePhase
from services.reports.measures.periods import PeriodLength
from store.statuses import HookStatus


class StepCount(BaseModel):
    """How many enrollments wait in a step, or rest behind a stage's last one."""

    stage: str = Field(examples=["repeat_buyer"])
    step: str | None = Field(examples=["repeat_buyer/wait:14 days"])
    count: int = Field(examples=[12])


class StayOut(BaseModel):
    """How long customers stay in a stage."""

    left: int = Field(description="how often somebody left it", examples=[310])
    mean_days: float = Field(description="how long they had been there, on average", examples=[41.5])
    n: int = Field(description="of how many stays the quartiles are", examples=[310])
    p25_days: float | None = Field(description="a quarter stayed for at most so long", examples=[6.2])
    median_days: float | None = Field(description="half of them did; within nine percent", examples=[21.8])
    p75_days: float | None = Field(description="three quarters did", examples=[58.1])


class CohortOut(BaseModel):
    """Who entered in a month, and where they are now."""

    month: str = Field(examples=["2026-03"])
    entered: int = Field(examples=[120])
    stages: dict[str, int] = Field(examples=[{"core": 20, "lapsed": 60}])
    ended: dict[str, int] = Field(examples=[{"exited": 40}])


class StagePlace(BaseModel):
    """A stage as the journey has it, and how many customers are in it."""

    stage: str = Field(examples=["repeat_buyer"])
    label: str | None = Field(examples=["Repeat buyers"])
    phase: LifecyclePhase | None = Field(examples=["retention"])
    mailable: bool = Field(description="false: who is in it gets transactional mail alone", examples=[True])
    count: int = Field(examples=[107])


class RateOut(BaseModel):
    """Of all who were in a stage at some time of the period: how many moved on to another stage, or ended there."""

    stage: str = Field(examples=["onboarding"])
    to: str | None = Field(description="null: the run ended", examples=["first_time_buyer"])
    reason: str | None = Field(description="why it ended", examples=[None])
    count: int = Field(examples=[31])
    n: int = Field(description="of how many", examples=[402])
    rate: float = Field(examples=[0.0771])
    low: float = Field(description="where the interval begins (Wilson, 95%)", examples=[0.0549])
    high: float = Field(examples=[0.1073])


class QuartilesOut(BaseModel):
    """How long customers had been in a stage that they left in the period, within nine percent."""

    n: int = Field(examples=[31])
    p25_days: float = Field(examples=[6.2])
    median_days: float = Field(examples=[21.8])
    p75_days: float = Field(examples=[58.1])


class PeriodOut(BaseModel):
    """A day, week or month: who stood where when it closed, and what happened in it."""

    model_config = ConfigDict(serialize_by_alias=True)

    since: date = Field(alias="from", examples=["2026-03-01"])
    until: date = Field(alias="to", description="the last day that is in it", examples=["2026-03-31"])
    stages: dict[str, int] = Field(examples=[{"onboarding": 371, "first_time_buyer": 85}])
    entered: int = Field(examples=[120])
    movements: dict[str, int] = Field(examples=[{"->onboarding": 120, "onboarding->first_time_buyer": 31}])
    ended: dict[str, int] = Field(description="by reason", examples=[{"exited": 4}])
    net: dict[str, int] = Field(description="how many more stand in a stage than before", examples=[{"onboarding": 85}])
    rates: list[RateOut]
    time_in_stage: dict[str, QuartilesOut]


class SeriesOut(BaseModel):
    """The lifecycle over time. The last period may still be running."""

    zone: str = Field(description="in which a day begins and closes: the settings'", examples=["Europe/Berlin"])
    by: PeriodLength
    periods: list[PeriodOut]
    told: str = Field(examples=["120 entered lifecycle, 4 ended; 1204 are in it now."])


class LifecycleReport(BaseModel):
    """Where customers are, and how they moved."""

    journey: str | None = Field(examples=["lifecycle"])
    stages: dict[str, int] = Field(examples=[{"core": 192, "repeat_buyer": 107}])
    places: list[StagePlace] = Field(description="every stage, in the order of the journey")
    steps: list[StepCount]
    movements: dict[str, int] = Field(examples=[{"->first_time_buyer": 2357, "lapsed->repeat_buyer": 310}])
    time_in_stage: dict[str, StayOut] = Field(description="for each stage that somebody has left")
    cohorts: list[CohortOut] | None = Field(default=None, description="by the month of entry; only with `cohorts=true`")
    series: SeriesOut | None = Field(default=None, description="over time; only with `by`, `from` or `to`")


class MessageCountOut(BaseModel):
    """Mails that share journey, template, status and reason."""

    journey: str = Field(examples=["lifecycle"])
    template: str = Field(examples=["thank_you"])
    status: str = Field(examples=["accepted"])
    reason: str | None = Field(examples=[None])
    count: int = Field(examples=[310])


class MessagesReport(BaseModel):
    """Mails by journey, template, status and reason."""

    messages: list[MessageCountOut]


class HookCountOut(BaseModel):
    """Webhooks and notes to colleagues that share step, status and last answer."""

    step: str = Field(examples=["onboarding/webhook:crm"])
    status: HookStatus
    answer: int | None = Field(description="the HTTP status of the last answer", examples=[503])
    count: int = Field(examples=[4])


class JourneyReport(LifecycleReport):
    """One journey: who entered, where they are, how they left, what it sent and what it reached."""

    entered: int = Field(examples=[2357])
    ended: dict[str, int] = Field(description="by reason", examples=[{"completed": 40, "exited": 2}])
    converted: dict[str, int] = Field(
        description="goals reached, by the template that is credited; the empty one is none",
        examples=[{"cross_sell": 12}],
    )
    messages: list[MessageCountOut]
    hooks: list[HookCountOut] = Field(description="the calls that no receiver has taken, by their last answers")
    experiments: list[ExperimentOut] = Field(description="the splits of the version that was published last")


class SilenceOut(BaseModel):
    """Something that has stopped, or a name that nobody waits for."""

    kind: Literal["event", "sends", "name"]
    journey: str = Field(examples=["lifecycle"])
    name: str | None = Field(description="the event; null where mails are meant", examples=["Order Completed"])
    since: datetime = Field(description="when it came last; of a name when it came first")
    usual_hours: float | None = Field(description="the usual gap; null of a name", examples=[9.5])
    resembles: str | None = Field(description="of a name: the one that is awaited", examples=[None])
    told: str = Field(
        examples=[
            "'Order Completed', which lets customers into lifecycle, has not come since 2026-03-01T09:30; its usual "
            "gap is 9.5 hours: look at what sends it"
        ]
    )


class SilenceReport(BaseModel):
    """What has stopped happening."""

    looked_at: datetime | None = Field(description="null: not yet")
    silences: list[SilenceOut]
    told: str = Field(examples=["1 thing to look at, as of 2026-03-02 12:00 UTC."])
