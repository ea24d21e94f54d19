"""Customers and what is said about them."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown
from api.schemas.mail import MessageOut
from api.schemas.runs import EnrollmentOut


class CustomerIn(BaseModel):
    """Attributes to merge into a customer; null removes one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"attributes": {"email": "ann@example.com", "first_name": "Ann", "timezone": "Europe/Berlin"}}]
        },
    )

    attributes: dict[str, Any]


class CustomerOut(Shown):
    id: str = Field(description="the internal, opaque id", examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    external_id: str | None = Field(description="the id you gave", examples=["17"])
    email: str | None = Field(examples=["ann@example.com"])
    timezone: str | None = Field(examples=["Europe/Berlin"])
    attributes: dict[str, Any] = Field(examples=[{"first_name": "Ann"}])
    events: dict[str, Any] = Field(
        description="per event name: count, first_at, last_at, sum",
        examples=[{"Order Completed": {"count": 2, "first_at": None, "last_at": None, "sum": 40.5}}],
    )
    segments: list[str] = Field(description="the segments the customer is in", examples=[["loyal"]])
    created_at: datetime


class CustomerStatus(BaseModel):
    """Where a customer is: the profile, the lifecycle stage, and every enrollment."""

    customer: CustomerOut
    lifecycle_stage: str | None = Field(examples=["repeat_buyer"])
    enrollments: list[EnrollmentOut]


class TimelineEntry(BaseModel):
    """An event or a decision, with everything it was decided on."""

    at: datetime
    kind: str = Field(examples=["decision"])
    what: str = Field(examples=["moved"])
    journey: str | None = Field(examples=["lifecycle"])
    stage: str | None = Field(examples=["lapsed"])
    step: str | None
    detail: dict[str, Any] = Field(examples=[{"to": "repeat_buyer", "cause": "event", "event": "Order Completed"}])


class TriggerNow(BaseModel):
    """A way into a journey, and whether it would let the customer in now."""

    model_config = ConfigDict(extra="allow")

    on: str = Field(description="the event", examples=["Signed Up"])
    happened: int = Field(description="how often the customer did it", examples=[0])
    guard: str | None = Field(default=None, examples=['customer.country == "DE"'])
    holds_now: bool | None = Field(default=None, description="null where the guard reads the event itself")
    seen: dict[str, Any] | None = Field(default=None, examples=[{"customer.country": "FR"}])


class WhyOut(BaseModel):
    """An answer in a sentence, and everything that it rests on."""

    answer: str = Field(examples=["win_back_offer was skipped: the customer unsubscribed from this topic"])
    entered: bool | None = Field(description="whether the customer was ever let in")
    reason: str | None = Field(description="the code of the reason", examples=["unsubscribed"])
    meaning: str | None = Field(examples=["the customer unsubscribed from this topic"])
    next_at: datetime | None = Field(description="when it is tried or decided next")
    enrollment: EnrollmentOut | None
    message: MessageOut | None
    triggers: list[TriggerNow] = Field(description="for who never entered: each way in, with the values seen")
    decisions: list[TimelineEntry] = Field(description="the decisions that led here, the oldest first")


class Erasing(BaseModel):
    """An erasure under way."""

    operation: str = Field(examples=["op_06h0ay4t1dthcgt67nd2berw"])
