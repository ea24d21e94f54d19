"""Shapes of funnels and cohorts."""

from datetime import date

from pydantic import BaseModel, ConfigDict, Field

from services.reports.conversion.cohorts import CohortLength
from services.reports.conversion.funnel import DAYS, WITHIN, FunnelGroup
from value.orders import COMPLETED


class ShareOut(BaseModel):
    """So many of n, with Wilson's interval (95%)."""

    count: int = Field(examples=[31])
    n: int = Field(description="of how many", examples=[120])
    rate: float | None = Field(description="null of nobody", examples=[0.2583])
    low: float = Field(description="where the interval begins", examples=[0.1883])
    high: float = Field(examples=[0.3434])


class TookOut(BaseModel):
    """How long it took from the step before, exactly."""

    n: int = Field(examples=[31])
    p25_days: float = Field(examples=[1.25])
    median_days: float = Field(examples=[3.2])
    p75_days: float = Field(examples=[9.04])


class StandingOut(BaseModel):
    """Where those who came no further stand now: in their last run through the journey, or outside it."""

    stages: dict[str, int] = Field(examples=[{"awareness": 61, "inactive": 12}])
    ended: dict[str, int] = Field(description="by reason", examples=[{"exited": 4}])
    outside: int = Field(description="who never was in the journey", examples=[0])


class GroupedStepOut(BaseModel):
    """A step of the chain."""

    step: str = Field(examples=["event:Order Completed"])
    customers: int = Field(description="who reached it", examples=[31])
    of_all: ShareOut = Field(description="of all who began")
    of_previous: ShareOut = Field(description="of those who reached the step before")
    took: TookOut | None = Field(description="from the step before; null where nobody came so far")
    rest: int = Field(description="who reached it, and not the next one", examples=[89])
    open: int = Field(description="those of the rest who have time left", examples=[12])


class FunnelStepOut(GroupedStepOut):
    """A step of the whole chain, with where the rest stands."""

    stand: StandingOut


class FunnelGroupOut(BaseModel):
    """The same of some of them."""

    group: str = Field(description="a month, channel, segment, variant or version, or `none`", examples=["2026-03"])
    customers: int = Field(examples=[120])
    steps: list[GroupedStepOut]


class FunnelReport(BaseModel):
    """Of those who began, how many came how far, how fast, and where the others stand."""

    journey: str | None = Field(description="whose stages are meant", examples=["lifecycle"])
    zone: str = Field(examples=["Europe/Berlin"])
    since: date = Field(examples=["2026-01-01"])
    until: date = Field(examples=["2026-03-31"])
    within: str = Field(examples=["14 days"])
    by: FunnelGroup | None = Field(examples=["month"])
    customers: int = Field(description="who began", examples=[120])
    steps: list[FunnelStepOut]
    groups: list[FunnelGroupOut] = Field(description="only with `by`")
    told: str = Field(
        examples=[
            "Of 120 who reached event:Signed Up from 2026-01-01 to 2026-03-31, 31 (25.8%, between 18.8% and 34.3%) "
            "reached event:Order Completed within 14 days, half of them within 3.2 days of the step before. "
            "12 have time left."
        ]
    )


class FunnelIn(BaseModel):
    """The question of a funnel, as an operation is to answer it."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "examples": [{"from": "event:Signed Up", "to": "event:Order Completed", "within": "14 days", "by": "month"}]
        },
    )

    begin: str = Field(alias="from", max_length=300, description="`event:NAME`, `stage:KEY` or `entry`")
    via: list[str] = Field(default=[], max_length=6, description="steps in between, in order")
    to: str = Field(max_length=300)
    within: str = Field(default=WITHIN, max_length=60, description="of the whole chain")
    journey: str | None = Field(default=None, max_length=63)
    since: date | None = Field(default=None, description=f"the first day; without it the last {DAYS}")
    until: date | None = None
    by: FunnelGroup | None = None
    split: str | None = Field(
        default=None, max_length=200, description="whose variants, where there are several splits"
    )


class CohortPeriodOut(ShareOut):
    """Who came back so many periods after the cohort's own (0: later in it)."""

    number: int = Field(examples=[1])


class CohortShareOut(CohortPeriodOut):
    """The same of one cohort."""

    running: bool = Field(description="the period is not over, so the share can only grow", examples=[False])


class CohortRowOut(BaseModel):
    """Who began in a month or week, and how many of them came back in each one after it."""

    model_config = ConfigDict(serialize_by_alias=True)

    since: date = Field(alias="from", examples=["2026-01-01"])
    until: date = Field(alias="to", examples=["2026-01-31"])
    customers: int = Field(examples=[120])
    periods: list[CohortShareOut]


class CohortReport(BaseModel):
    """Retention as a triangle."""

    journey: str | None = Field(examples=["lifecycle"])
    zone: str = Field(examples=["Europe/Berlin"])
    first: str = Field(description="what begins a cohort", examples=["stage:first_time_buyer"])
    returning: str = Field(description="the event by which somebody comes back", examples=["Order Completed"])
    by: CohortLength
    customers: int = Field(examples=[2357])
    cohorts: list[CohortRowOut]
    all: list[CohortPeriodOut] = Field(description="all cohorts together, of each those whose period is over")
    told: str = Field(
        examples=["2,357 reached stage:first_time_buyer for the first time from 1997-01-01 to 1997-03-31."]
    )


class CohortsIn(BaseModel):
    """The question of a triangle, as an operation is to answer it."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"returning": "Order Completed", "by": "month"}]}
    )

    first: str | None = Field(
        default=None, max_length=300, description="`event:NAME`, `stage:KEY` or `entry`; without it the entry"
    )
    returning: str = Field(default=COMPLETED, max_length=200)
    by: CohortLength = "month"
    journey: str | None = Field(default=None, max_length=63)
    since: date | None = None
    until: date | None = None


class EntryCohortsIn(BaseModel):
    """Whose customers are told apart by the month in which they entered."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"journey": "trial"}]})

    journey: str | None = Field(default=None, max_length=63, description="without it the lifecycle journey")
