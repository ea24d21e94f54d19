"""What happened to a customer, and why."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.enrollments import EnrollmentOut
from api.schemas.hooks import HookOut
from api.schemas.messages import MessageOut


class TimelineEntry(BaseModel):
    """An event or a decision, with everything it was decided on."""

    at: datetime
    kind: str = Field(examples=["decision"])
    what: str = Field(examples=["moved"])
    journey: str | None = Field(examples=["lifecycle"])
    version: int | None = Field(description="of the journey, that decided; null for an event", examples=[2])
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
    error: str | None = Field(
        default=None,
        description="why the guard could not be asked of these values",
        examples=["customer.age, a text, and a number cannot be compared; write number(customer.age)"],
    )
    late: str | None = Field(default=None, description="that the last such event was too old to start anything")


class WhyOfProfile(BaseModel):
    """The answer about one of several customers who have the address that was asked for."""

    id: str = Field(description="ask about this one for all that the answer rests on", examples=["cus_06h0ay4sys37zy"])
    external_id: str | None = Field(examples=["17"])
    answer: str = Field(examples=["never entered: Signed Up never came"])


class WhyOut(BaseModel):
    """An answer in a sentence, and everything that it rests on.

    Where several customers have the address that was asked for, it is about the first of `profiles`.
    """

    profiles: list[WhyOfProfile] = Field(description="every customer with this address, the oldest first (20 at most)")
    answer: str = Field(examples=["win_back_offer was skipped: the customer unsubscribed from this topic"])
    entered: bool | None = Field(description="whether the customer was ever let in")
    reason: str | None = Field(description="the code of the reason", examples=["unsubscribed"])
    meaning: str | None = Field(examples=["the customer unsubscribed from this topic"])
    next_at: datetime | None = Field(description="when it is tried or decided next")
    enrollment: EnrollmentOut | None
    message: MessageOut | None
    hook: HookOut | None = Field(description="the webhook or the note of the step")
    triggers: list[TriggerNow] = Field(description="for who never entered: each way in, with the values seen")
    decisions: list[TimelineEntry] = Field(description="the decisions that led here, the oldest first")
