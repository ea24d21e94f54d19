"""Segments."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


class SegmentIn(BaseModel):
    """A named guard over the customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Loyal", "guard": 'customer.events["Order Completed"].count >= 5'}]},
    )

    guard: str = Field(max_length=4_000)
    name: str | None = Field(default=None, max_length=200)


class SegmentOut(Shown):
    """A segment."""

    key: str = Field(examples=["loyal"])
    name: str | None = Field(examples=["Loyal"])
    guard: str = Field(examples=['customer.events["Order Completed"].count >= 5'])
    created_at: datetime
    updated_at: datetime


class MemberOut(Shown):
    """A customer who is in a segment."""

    customer_id: str = Field(examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    since: datetime


class SegmentPreviewIn(BaseModel):
    """A guard to try."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"guard": "date(customer.trial_ends) > now"}]}
    )

    guard: str = Field(max_length=4_000)


class GuardProblemOut(Shown):
    """Why the guard fails for some customers."""

    problem: str = Field(examples=["date() cannot read '12/10/2026'"])
    count: int = Field(description="of how many of those looked at", examples=[3])
    seen: dict[str, dict[str, Any]] = Field(
        description="what it saw, by customer", examples=[{"17": {"customer.trial_ends": "12/10/2026"}}]
    )


class SegmentPreviewOut(Shown):
    """What a guard says of the newest customers."""

    looked_at: int = Field(description="customers, the newest first", examples=[200])
    belong: int = Field(examples=[12])
    warning: str | None = Field(description="a part of the guard that can never hold, and why", examples=[None])
    problems: list[GuardProblemOut]
