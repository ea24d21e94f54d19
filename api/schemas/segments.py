"""Segments."""

from datetime import datetime

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
