"""Broadcasts."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field


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
