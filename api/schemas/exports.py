"""The lines of the export: one schema for each kind, and each column with what it says."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, Field


class ExportLine(BaseModel):
    """What every line has. The newest line of an `id` holds: a row comes again when it has changed."""

    cursor: str = Field(
        description="read on behind this line with `after`", examples=["WyJldmVudHMucG9zaXRpb24saWQiLDcsImV2dF8xIl0"]
    )
    id: str = Field(description="one row, for ever", examples=["evt_06h0ay4t1dthcgt67nd2berw"])
    external_id: str | None = Field(description="your id of the customer, as it is now", examples=["17"])
    customer_id: str = Field(description="our id of the customer; after a merge that of the one who stays")


class EventLine(ExportLine):
    """Something that a customer did."""

    message_id: str = Field(description="the sender's id of it, by which repeats are told")
    type: str = Field(description="track, page, screen, identify, group or alias", examples=["track"])
    name: str = Field(description="of the event", examples=["Order Completed"])
    properties: dict[str, Any] = Field(description="as they were sent", examples=[{"total": 49.9}])
    at: datetime = Field(description="when it happened")
    received_at: datetime = Field(description="when it came")
    said_at: datetime | None = Field(description="what the sender's clock said, where that was off")


class MessageLine(ExportLine):
    """A mail of the ledger, as it stands; it comes again at each change of its status."""

    email: str | None = Field(
        description="the address it goes to; null where there is none", examples=["ann@example.com"]
    )
    enrollment_id: str | None = Field(description="the run that sends it; null for a broadcast")
    journey: str = Field(description="its key, empty for a broadcast", examples=["lifecycle"])
    stage: str = Field(description="of the journey", examples=["repeat_buyer"])
    step: str = Field(description="of the stage", examples=["repeat_buyer/send:thank_you"])
    visit: int = Field(description="which time in the stage")
    broadcast: str | None = Field(description="its key", examples=[None])
    variant: str | None = Field(description="of a broadcast's test, or `split/variant` of a journey", examples=[None])
    source: str | None = Field(description="the channel by which the customer came", examples=["paid"])
    template: str = Field(description="its key", examples=["thank_you"])
    template_version: int | None = Field(description="of a template kept here, once it was rendered", examples=[3])
    locale: str | None = Field(description="how it was written", examples=["de-AT"])
    topic: str = Field(description="what one can leave", examples=["product-news"])
    lane: str = Field(description="transactional, journey or broadcast", examples=["journey"])
    status: str = Field(description="see [statuses](statuses.md)", examples=["accepted"])
    reason: str | None = Field(description="why it was deferred, skipped or failed", examples=[None])
    delivery: str | None = Field(description="what the provider reported last that counts", examples=["delivered"])
    due: datetime = Field(description="when its step was reached")
    not_before: datetime | None = Field(description="when it may go at the earliest")
    planned_at: datetime = Field(description="when it was written into the ledger")
    accepted_at: datetime | None = Field(description="when the provider took it")
    updated_at: datetime = Field(description="when its status changed last")
    provider: str | None = Field(description="who took it", examples=["sendgrid"])
    provider_id: str | None = Field(description="the provider's id of it")


class DecisionLine(ExportLine):
    """A recorded why."""

    journey: str = Field(description="its key", examples=["lifecycle"])
    enrollment_id: str | None = Field(description="the run it is about")
    number: int | None = Field(description="of the decision within the run", examples=[7])
    at: datetime = Field(description="when it was made")
    what: str = Field(description="entered, moved, planned, skipped and so on", examples=["moved"])
    stage: str | None = Field(description="in which it was made", examples=["lapsed"])
    step: str | None = Field(description="at which it was made")
    visit: int | None = Field(description="which time in the stage")
    entered_stage: str | None = Field(description="to which somebody came by it", examples=["repeat_buyer"])
    detail: dict[str, Any] = Field(description="what was seen", examples=[{"to": "repeat_buyer", "cause": "event"}])
