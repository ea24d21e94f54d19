"""Messages."""

from datetime import datetime

from pydantic import Field

from api.schemas.common import Shown


class MessageOut(Shown):
    id: str = Field(description="the send_id", examples=["2161b3b7-f9d3-5b07-9196-af81ec9afb65"])
    journey: str = Field(examples=["lifecycle"])
    enrollment_id: str | None
    customer_id: str
    stage: str = Field(examples=["repeat_buyer"])
    step: str = Field(examples=["repeat_buyer/send:thank_you"])
    template: str = Field(examples=["thank_you"])
    template_version: int | None = Field(description="of a template kept here, once it was rendered", examples=[3])
    topic: str = Field(examples=["product-news"])
    lane: str = Field(examples=["journey"])
    status: str = Field(
        description="planned, deferred, sending, accepted, failed, skipped, unknown or parked", examples=["accepted"]
    )
    reason: str | None = Field(description="why it was deferred, skipped or failed", examples=[None])
    planned_at: datetime
    not_before: datetime | None = Field(description="when it may go at the earliest")
    accepted_at: datetime | None
    provider: str | None = Field(examples=["outbox"])
    provider_id: str | None


class MessageWhole(MessageOut):
    """With the very mail that was sent."""

    subject: str | None = Field(examples=["Thank you, Ann"])
    html: str | None
    text: str | None
