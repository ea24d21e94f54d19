"""The installation's settings, topics, consents and suppressions."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown
from services.house import CapIn
from services.house import HouseSettings as HouseSettings


class TopicIn(BaseModel):
    """What a customer can unsubscribe from, and on what terms mail about it goes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Product news", "consent": "opt_out", "cap": {"max": 2, "per": "7 days"}}]
        },
    )

    name: str | None = Field(default=None, max_length=200)
    consent: Literal["opt_in", "opt_out"] = Field(default="opt_out", description="opt_in: no mail without consent")
    transactional: bool = Field(default=False, description="needs no consent, and knows neither cap nor quiet hours")
    cap: CapIn | None = None


class TopicOut(BaseModel):
    key: str = Field(examples=["product-news"])
    name: str | None = Field(examples=["Product news"])
    consent: str = Field(examples=["opt_out"])
    transactional: bool
    cap_max: int | None = Field(examples=[2])
    cap_seconds: int | None = Field(description="the span of the cap", examples=[604_800])
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)


class ConsentIn(BaseModel):
    """What a customer said about a topic."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"granted": True, "source": "checkout form"}]}
    )

    granted: bool
    source: str = Field(default="api", max_length=200, description="where they said it", examples=["checkout form"])
    at: datetime | None = Field(default=None, description="when, if not now; of two statements the later one holds")


class ConsentOut(Shown):
    topic: str = Field(examples=["product-news"])
    granted: bool
    source: str = Field(examples=["checkout form"])
    at: datetime


class SuppressionIn(BaseModel):
    """Why an address is never written to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "manual"}]})

    reason: Literal["bounce", "complaint", "unsubscribe", "manual"] = "manual"


class SuppressionOut(Shown):
    email: str = Field(examples=["ann@example.com"])
    reason: str = Field(examples=["bounce"])
    source: str = Field(description="who said so", examples=["key key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
