"""Consents: what a customer said about a topic."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


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
    """What holds of what a customer said about a topic."""

    topic: str = Field(examples=["product-news"])
    granted: bool
    pending: bool = Field(description="a yes that was not confirmed yet (double opt-in)")
    source: str = Field(examples=["checkout form"])
    at: datetime
    evidence: dict[str, Any] | None
