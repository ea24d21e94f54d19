"""Events that were rejected, and values that could not be read."""

from datetime import datetime
from typing import Any

from pydantic import Field

from api.schemas.base import Shown


class EventOut(Shown):
    """An event that was taken in."""

    id: str
    customer_id: str = Field(description="the internal id of whoever did it")
    message_id: str = Field(description="the sender's id of it, by which repeats are told")
    type: str = Field(description="track, page, screen, identify, group or alias", examples=["track"])
    name: str = Field(examples=["Order Completed"])
    properties: dict[str, Any] = Field(description="as they were sent", examples=[{"total": 49.9}])
    at: datetime = Field(description="when it happened")
    received_at: datetime = Field(description="when it came")


class RejectionOut(Shown):
    """An event that was refused, and why."""

    id: str
    received_at: datetime
    message_id: str | None
    type: str | None = Field(examples=["track"])
    path: str = Field(examples=["event"])
    reason: str = Field(examples=["a track call names its event, a text that is not empty"])


class UnreadableFieldOut(Shown):
    """A field whose values could not be read: they counted as nothing, which is told here and not guessed."""

    source: str = Field(
        description="`profile`, `event NAME` or `journey KEY`: what they came with", examples=["event Order Completed"]
    )
    field: str = Field(examples=["total"])
    count: int = Field(description="how many there were", examples=[12])
    first_day: str = Field(description="the day (UTC) of the first", examples=["2026-03-02"])
    last_day: str = Field(description="the day (UTC) of the last", examples=["2026-03-05"])
    examples: list[str] = Field(description="some of them, shortened", examples=[["39,90"]])


class UnreadableFieldsOut(Shown):
    """All such fields, those with the most first."""

    items: list[UnreadableFieldOut]
