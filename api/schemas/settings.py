"""The installation's settings, topics, consents and suppressions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown
from services.installation.installation_settings import CapIn
from services.installation.installation_settings import HouseSettings as HouseSettings


class TopicIn(BaseModel):
    """What a customer can unsubscribe from, and on what terms mail about it goes."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"name": "Product news", "consent": "opt_out", "cap": {"max": 2, "per": "7 days"}}]
        },
    )

    name: str | None = Field(default=None, max_length=200)
    consent: Literal["opt_in", "opt_out", "double_opt_in"] = Field(
        default="opt_out",
        description="opt_in: no mail without consent; double_opt_in: none before it was confirmed by a link in a mail",
    )
    transactional: bool = Field(default=False, description="needs no consent, and knows neither cap nor quiet hours")
    cap: CapIn | None = None


class TopicOut(BaseModel):
    key: str = Field(examples=["product-news"])
    name: str | None = Field(examples=["Product news"])
    consent: str = Field(examples=["opt_out"])
    transactional: bool
    cap_max: int | None = Field(examples=[2])
    cap_seconds: int | None = Field(description="the span of the cap", examples=[604_800])
    paused_at: datetime | None = Field(description="mail about it waits since then")
    alarm: str | None = Field(description="why it stopped itself, or may soon", examples=[None])
    created_at: datetime
    updated_at: datetime

    model_config = ConfigDict(from_attributes=True)


class EvidenceIn(BaseModel):
    """What a customer agreed to, as a court would ask: the words, which wording, how, and from where."""

    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=2_000, examples=["Yes, send me product news by mail."])
    version: str | None = Field(default=None, max_length=100, examples=["2026-03"])
    how: str | None = Field(default=None, max_length=200, examples=["checkbox at checkout"])
    ip: str | None = Field(default=None, max_length=45, examples=["192.0.2.17"])


class ConsentIn(BaseModel):
    """What a customer said about a topic."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"granted": True, "source": "checkout form"}]}
    )

    granted: bool
    source: str = Field(default="api", max_length=200, description="where they said it", examples=["checkout form"])
    at: datetime | None = Field(default=None, description="when, if not now; of two statements the later one holds")
    evidence: EvidenceIn | None = None
    confirmed: bool = Field(default=False, description="you hold a confirmation of theirs: double opt-in does not ask")


class ConsentOut(Shown):
    topic: str = Field(examples=["product-news"])
    granted: bool
    pending: bool = Field(description="a yes that was not confirmed yet (double opt-in)")
    source: str = Field(examples=["checkout form"])
    at: datetime
    evidence: dict[str, Any] | None


class SuppressionIn(BaseModel):
    """Why an address is never written to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "manual"}]})

    reason: Literal["bounce", "complaint", "unsubscribe", "manual"] = "manual"


class SuppressionOut(Shown):
    email: str = Field(examples=["ann@example.com"])
    reason: str = Field(examples=["bounce"])
    source: str = Field(description="who said so", examples=["key key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
