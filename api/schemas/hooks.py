"""Webhooks and notes to colleagues."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.schemas.base import Shown
from store.statuses import HookStatus


class HookOut(Shown):
    """One call of a step: when it is made next, or how it ended, with the receiver's last answer."""

    id: str = Field(description="what receivers see as `webhook-id`", examples=["7b0c8f0e-93f5-5a86-8a3c-6a4e1b6f0a11"])
    kind: Literal["webhook", "notify"]
    journey: str = Field(examples=["lifecycle"])
    enrollment_id: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    customer_id: str = Field(examples=["cus_06h0ay4t1dthcgt67nd2berw"])
    stage: str = Field(examples=["onboarding"])
    step: str = Field(examples=["onboarding/webhook:crm"])
    visit: int = Field(examples=[1])
    status: HookStatus
    attempts: int = Field(description="calls that were begun", examples=[3])
    not_before: datetime = Field(description="when it is called next, while it is planned")
    answer: int | None = Field(description="the HTTP status of the last answer", examples=[503])
    error: str | None = Field(description="why the last attempt failed", examples=["ReadTimeout"])
    created_at: datetime
    updated_at: datetime
