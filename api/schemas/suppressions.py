"""Suppressions: addresses that are never written to."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown

SuppressionReason = Literal["bounce", "complaint", "unsubscribe", "manual"]
"""Whose word it is that an address is never written to: the provider's, the recipient's, or a person's here."""


class SuppressionIn(BaseModel):
    """Why an address is never written to."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "manual"}]})

    reason: SuppressionReason = "manual"


class Suppressed(Shown):
    """Why an address gets nothing; the audit log keeps this much."""

    reason: str = Field(examples=["bounce"])
    source: str = Field(description="who said so", examples=["key key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime


class SuppressionOut(Suppressed):
    """An address that gets nothing."""

    email: str = Field(examples=["ann@example.com"])
