"""Starts and signals on their way to Temporal."""

from datetime import datetime

from pydantic import Field

from api.schemas.base import Shown
from store.statuses import DispatchStatus


class DispatchOut(Shown):
    """A row that goes to Temporal; it is gone when it has arrived."""

    id: int = Field(examples=[4711])
    kind: str = Field(examples=["start"])
    enrollment_id: str = Field(
        description="the enrollment, or the operation", examples=["enr_06h0ay4t1dthcgt67nd2berw"]
    )
    status: DispatchStatus
    attempts: int = Field(examples=[8])
    error: str | None = Field(description="why the last attempt failed", examples=["INVALID_ARGUMENT"])
    not_before: datetime | None = Field(description="when it goes again")
    created_at: datetime
