"""Enrollments and what comes next."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from api.schemas.base import Shown
from journeys.language.words import Late


class ActionOut(BaseModel):
    """Something that will happen, unless one of `unless` comes before."""

    at: datetime
    local: str = Field(description="the customer's own clock", examples=["Tue 2026-03-10 09:00 Europe/Berlin"])
    what: str = Field(description="send, skip, defer, moved, ended, …", examples=["send"])
    stage: str = Field(examples=["lapsed"])
    step: str | None = Field(examples=["lapsed/send:win_back_offer"])
    detail: dict[str, Any] = Field(examples=[{"template": "win_back_offer"}])
    unless: list[str] = Field(examples=[["Order Completed (to repeat_buyer)"]])


class Forecast(BaseModel):
    """What comes next for an enrollment if nothing happens."""

    enrollment: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    journey: str = Field(examples=["lifecycle"])
    stage: str = Field(examples=["lapsed"])
    step: str | None = Field(examples=["lapsed/wait:14 days"])
    paused: bool
    actions: list[ActionOut]
    unless: list[str] = Field(description="what would lead elsewhere from where the customer stands")


class EnrollmentOut(Shown):
    """One customer's run through a journey, and where it stands."""

    id: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    journey: str = Field(examples=["lifecycle"])
    version: int = Field(examples=[1])
    customer_id: str = Field(examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    key: str = Field(description="tells runs apart that stand side by side; else empty", examples=[""])
    run: int = Field(examples=[1])
    source: str = Field(description="what let the customer in", examples=["event Order Completed"])
    status: str = Field(description="live or ended", examples=["live"])
    reason: str | None = Field(description="why it ended", examples=[None])
    stage: str = Field(examples=["repeat_buyer"])
    step: str | None = Field(description="the step it waits in, or null", examples=["repeat_buyer/wait:14 days"])
    visit: int = Field(description="counts the stages entered", examples=[3])
    paused: bool
    paused_by: str | None = Field(description="person; or journey, or stage, where all of that is paused")
    wakes_at: datetime | None = Field(description="when it acts by itself")
    stuck: str | None = Field(description="the error that it ends in each time that it should act", examples=[None])
    entered_at: datetime
    stage_since: datetime
    ended_at: datetime | None


class EnrollIn(BaseModel):
    """Whom to enroll (one customer, or everybody in a segment), and what guards and templates read as `enrollment`."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"customer": "17", "data": {}}, {"segment": "loyal"}]}
    )

    customer: str | None = Field(default=None, description="your id or the email address", min_length=1, max_length=320)
    segment: str | None = Field(default=None, description="everybody who is in it, as an operation", max_length=63)
    data: dict[str, Any] = {}

    @model_validator(mode="after")
    def _one_of_them(self) -> "EnrollIn":
        if (self.customer is None) == (self.segment is None):
            raise ValueError("name either a customer or a segment")
        return self


class MoveIn(BaseModel):
    """Where an enrollment is moved to, in the version that it is on, and why."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"stage": "lapsed", "step": "send:win_back_offer", "reason": "asked by phone"}]
        },
    )

    stage: str = Field(min_length=1, max_length=63)
    step: str | None = Field(
        default=None, max_length=200, description="its id, or as it is called within its stage; else the first one"
    )
    reason: str = Field(default="", max_length=200, description="kept in the audit log")


class ControlIn(BaseModel):
    """Why it is done; with a resume, what becomes of overdue mail; with a skip, what a mail goes past."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"reason": "asked by phone"}, {"late": "skip"}]}
    )

    late: Late | None = Field(
        default=None, description="with `resume`: send, skip or next_window; without it what the step says"
    )
    past_hours: bool = Field(
        default=False,
        description="with `skip`: the mail behind the wait goes past hours and caps; a marketer's, with a reason",
    )
    reason: str = Field(default="", max_length=200, description="kept in the audit log")
