"""Broadcasts, and the channels that they go out by."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown


class AudienceOut(BaseModel):
    """Who gets it and who does not, as it was planned."""

    recipients: int = Field(examples=[9_120])
    later: dict[str, int] = Field(description="of these, who gets it later, by reason", examples=[{"quiet_hours": 40}])
    skipped: dict[str, int] = Field(description="who does not get it, by reason", examples=[{"unsubscribed": 61}])
    variants: dict[str, int] = Field(description="recipients by variant", examples=[{"a": 4_560, "b": 4_560}])


class VariantOut(BaseModel):
    """What people (not machines) did with a variant."""

    accepted: int = Field(examples=[4_560])
    opened: int = Field(examples=[1_900])
    clicked: int = Field(examples=[310])


class BroadcastOut(BaseModel):
    """A broadcast, and how far it is."""

    key: str = Field(examples=["spring"])
    status: str = Field(description="draft, scheduled, planning, sending, deciding, sent or cancelled")
    body: dict[str, Any] = Field(description="what was asked for")
    paused_at: datetime | None
    alarm: str | None = Field(description="why it stopped itself, or may soon", examples=[None])
    start_at: datetime | None
    winner: str | None = Field(description="the variant that everybody else gets", examples=["a"])
    operation_id: str | None = Field(description="what works out who gets it")
    created_at: datetime
    updated_at: datetime
    finished_at: datetime | None


class BroadcastProgress(BroadcastOut):
    """With its numbers."""

    named: int = Field(description="customers that a file has named", examples=[0])
    audience: AudienceOut | None = Field(description="once it was planned")
    messages: dict[str, int] = Field(description="by status", examples=[{"accepted": 812, "planned": 8_308}])
    rate: float | None = Field(description="mails accepted a second, since it started", examples=[212.4])
    seconds_left: int | None = Field(description="at that rate", examples=[39])
    variants: dict[str, VariantOut]


class WinnerIn(BaseModel):
    """Which variant goes to the rest."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"variant": "a"}]})

    variant: str = Field(max_length=63)


class ChannelOut(Shown):
    """A way out of the house. Closed, every lane waits; then one mail is tried."""

    name: str = Field(examples=["sendgrid"])
    closed_until: datetime | None
    failures: int = Field(description="attempts in a row that failed", examples=[0])
    alarm: str | None = Field(examples=["SendGrid answered 401: the API key is refused"])
    updated_at: datetime


class LaneOut(BaseModel):
    """What waits in a lane."""

    name: str = Field(examples=["journey"])
    waiting: int = Field(description="planned and due, and not yet claimed", examples=[0])
    sending: int = Field(examples=[0])
    unknown: int = Field(description="may or may not have gone; evidence is sought", examples=[0])
    parked: int = Field(description="for a person to decide", examples=[0])


class ChannelsOut(BaseModel):
    """The channels that were used, and the lanes."""

    channels: list[ChannelOut]
    lanes: list[LaneOut]
