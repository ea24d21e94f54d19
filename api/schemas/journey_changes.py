"""What a new version does to those who are under way: asked, foreseen, done."""

from datetime import timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.journeys import JourneyOut, VersionOut
from api.schemas.operations import OperationOut
from journeys.language.words import Key


class MovesIn(BaseModel):
    """Which stage and which step of the version that people are in is which of the new one, where ids do not tell."""

    model_config = ConfigDict(extra="forbid")

    stages: dict[str, str] = Field(default_factory=dict, max_length=200, examples=[{"trial": "onboarding"}])
    steps: dict[str, str] = Field(
        default_factory=dict, max_length=2_000, examples=[{"onboarding/tour": "onboarding/tour_v2"}]
    )


class BesideIn(BaseModel):
    """Names that a definition may use though they are not there yet: what is stored together with it."""

    model_config = ConfigDict(extra="forbid")

    templates: list[Key] = Field(default=[], max_length=2_000, examples=[["hello"]])
    segments: list[Key] = Field(default=[], max_length=2_000)
    topics: list[Key] = Field(default=[], max_length=2_000)
    journeys: list[Key] = Field(default=[], max_length=2_000)


class PlanIn(BaseModel):
    """What is to be planned."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"in_flight": "move", "on_change": "rest"}]}
    )

    version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="an older version to go back to; without it the draft"
    )
    definition: str | None = Field(
        default=None,
        max_length=1_000_000,
        description="a definition to plan in place of the draft, as YAML or JSON text; the draft stays as it is",
    )
    beside: BesideIn = Field(
        default=BesideIn(), description="what comes along with `definition`, as the other files of a project"
    )
    in_flight: Literal["pin", "move"] = Field(
        default="move", description="pin: everybody keeps their version; move: they go over to the new one"
    )
    moves: MovesIn | Annotated[str, Field(max_length=250_000)] = Field(
        default_factory=MovesIn,
        description="as an object, or as the text of a YAML file: then what does not fit is told with its line",
    )
    on_change: Literal["keep", "rest", "restart"] = Field(
        default="rest",
        description="a wait of another length: keep its end, count anew from where it began, or begin it again",
    )
    again: Literal["skip", "send"] = Field(
        default="skip", description="a mail that another step would send a second time"
    )
    spread_minutes: int = Field(
        default=30, ge=0, le=24 * 60, description="over how long those are spread who become due within an hour"
    )
    share: int = Field(
        default=100,
        ge=1,
        le=100,
        description="so many in a hundred go over, the same ones always; and of those who come as many enter it",
    )

    @property
    def spread(self) -> timedelta:
        """`spread_minutes` as a duration."""
        return timedelta(minutes=self.spread_minutes)


class PublishIn(BaseModel):
    """What becomes of those who are under way."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"in_flight": "pin"}]})

    in_flight: Literal["pin", "move"] | None = Field(
        default=None,
        description="pin: they keep their version; move: as the plan that `token` names has told; absent: as was "
        "planned, and pin where no plan is named",
    )
    token: str | None = Field(default=None, max_length=40, description="of the plan; it lives 15 minutes")


class RollbackIn(PublishIn):
    """The version to go back to, and what becomes of those who are under way."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"version": 1, "in_flight": "pin"}]})

    version: int = Field(ge=1, le=2**31 - 1)


class PublishedOnRecord(JourneyOut):
    """What the audit log keeps of a publish: who wrote the version, who published it, and by which plan."""

    written_by: str | None
    published_by: str | None
    plan: str | None


class Published(VersionOut):
    """The version that is live, and the operation that moves those who are under way; null where they are pinned."""

    created: bool = Field(description="false where this very definition was live already")
    operation: OperationOut | None = None


class ResumedMail(BaseModel):
    """Mails of one step that a resume leads to."""

    stage: str = Field(examples=["onboarding"])
    step: str = Field(examples=["onboarding/send:tour"])
    template: str = Field(examples=["tour"])
    outcome: Literal["send", "later", "skip"] = Field(
        description="send: it goes at once; later: when its hours or its cap allow; skip: never"
    )
    reason: str | None = Field(description="why it does not go at once, by code", examples=["late"])
    count: int = Field(examples=[412])
    examples: list[str] = Field(description="five enrollments", examples=[["enr_06h0ay4t1dthcgt67nd2berw"]])


class ResumeTotals(BaseModel):
    """Mails by what becomes of them."""

    send: int = Field(examples=[412])
    later: int = Field(examples=[80])
    skip: int = Field(examples=[3])


class ResumePlanOut(BaseModel):
    """What the resume of a journey would send."""

    journey: str = Field(examples=["lifecycle"])
    paused: bool = Field(description="whether that which would be resumed is paused now", examples=[True])
    customers: int = Field(description="under way, and let go on by the resume", examples=[2357])
    overdue: int = Field(description="of these: for whom something is due, or has happened meanwhile", examples=[495])
    leave: int = Field(description="of these: who go on to another stage, or end", examples=[12])
    complete: bool = Field(description="false where there are more customers than were looked at")
    totals: ResumeTotals
    mails: list[ResumedMail]


class PlanEntryOut(BaseModel):
    """What would become of one enrollment."""

    enrollment: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    version: int = Field(examples=[1])
    kind: str = Field(examples=["retimed"])
    stage: str = Field(examples=["onboarding"])
    step: str | None = Field(examples=["onboarding/wait:3 days"])
    to_stage: str = Field(examples=["onboarding"])
    to_step: str | None = Field(examples=["onboarding/wait:5 days"])
    detail: dict[str, Any] = Field(examples=[{"by": "place", "acts": "2026-03-07T12:00:00+00:00"}])
