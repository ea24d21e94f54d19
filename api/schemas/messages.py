"""Messages: the sending ledger."""

from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from api.schemas.delivery_events import DeliveryEventOut


class MessageOut(Shown):
    """One mail to one customer, without its text."""

    id: str = Field(description="the send_id", examples=["2161b3b7-f9d3-5b07-9196-af81ec9afb65"])
    journey: str = Field(examples=["lifecycle"])
    broadcast: str | None = Field(description="a mail of a broadcast has no journey", examples=[None])
    variant: str | None = Field(
        description="of a broadcast's A/B test, or `split/variant` of a journey", examples=[None]
    )
    source: str | None = Field(
        description="the channel by which the customer came, when it was planned", examples=["paid"]
    )
    enrollment_id: str | None
    customer_id: str
    email: str | None = Field(
        description="the address that it goes to, in its normal form; null where there is none, or it was erased",
        examples=["ann@example.com"],
    )
    stage: str = Field(examples=["repeat_buyer"])
    step: str = Field(examples=["repeat_buyer/send:thank_you"])
    template: str = Field(examples=["thank_you"])
    template_version: int | None = Field(description="of a template kept here, once it was rendered", examples=[3])
    locale: str | None = Field(description="how its dates and amounts were written", examples=["de-AT"])
    topic: str = Field(examples=["product-news"])
    lane: str = Field(examples=["journey"])
    delivery: str | None = Field(description="what the provider reported last that counts", examples=["delivered"])
    status: str = Field(
        description="planned, deferred, sending, accepted, failed, skipped, unknown or parked", examples=["accepted"]
    )
    reason: str | None = Field(description="why it was deferred, skipped or failed", examples=[None])
    planned_at: datetime
    not_before: datetime | None = Field(description="when it may go at the earliest")
    accepted_at: datetime | None
    provider: str | None = Field(examples=["outbox"])
    provider_id: str | None


class EngagementOut(Shown):
    """How often, by people and machines together: whoever loads the picture, or follows a link, each time."""

    count: int = Field(examples=[3])
    first_at: datetime
    last_at: datetime


class MessageWhole(MessageOut):
    """With the very mail that was sent; null before it was rendered, and when retention has let it go."""

    subject: str | None = Field(examples=["Thank you, Ann"])
    html: str | None
    text: str | None
    urls: list[str] = Field(description="where its tracked links lead")
    opens: EngagementOut | None = Field(description="of its picture; null where nobody loaded it")
    clicks: EngagementOut | None = Field(description="on its links; null where nobody followed one")
    reports: list[DeliveryEventOut] = Field(default=[], description="everything the provider reported, in order")


class DecideIn(BaseModel):
    """What a person knows, or decides, about a mail that may or may not have gone."""

    model_config = ConfigDict(
        extra="forbid", populate_by_name=True, json_schema_extra={"examples": [{"as": "accepted"}]}
    )

    verdict: Literal["accepted", "resend", "failed"] = Field(
        alias="as", description="accepted: it went; resend: it did not, send it; failed: leave it"
    )


class SendNowIn(BaseModel):
    """Why a mail goes past the hours, or the cap, that hold it."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "asked by phone"}]})

    reason: str = Field(min_length=1, max_length=200, pattern=r"\S")


class DecideManyIn(BaseModel):
    """The same about many: those that are unknown or parked, and that every filter here lets through."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [{"as": "resend", "journey": "lifecycle", "reason": "worker_lost"}]},
    )

    verdict: Literal["accepted", "resend", "failed"] = Field(
        alias="as", description="accepted: they went; resend: they did not, send them; failed: leave them"
    )
    journey: str | None = Field(default=None, max_length=200, description="its key")
    broadcast: str | None = Field(default=None, max_length=200, description="its key")
    template: str | None = Field(default=None, max_length=200, description="its key")
    status: Literal["unknown", "parked"] | None = Field(default=None, description="without it both")
    reason: str | None = Field(default=None, max_length=100, description="why it is unsure: worker_lost, no_answer, …")
    since: AwareDatetime | None = Field(default=None, description="unsure since then, or later")
    until: AwareDatetime | None = Field(default=None, description="unsure since before then")
    count: int | None = Field(
        default=None, ge=0, description="how many you were told of; without it nothing is done but counting"
    )


class DecidedMany(BaseModel):
    """How many there are, and the operation that decides about them."""

    count: int = Field(examples=[300])
    operation: str | None = Field(description="null where they were only counted", examples=[None])
