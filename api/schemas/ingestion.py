"""Events that were rejected."""

from datetime import datetime

from pydantic import Field

from api.schemas.base import Shown


class RejectionOut(Shown):
    """An event that was refused, and why."""

    id: str
    received_at: datetime
    message_id: str | None
    type: str | None = Field(examples=["track"])
    path: str = Field(examples=["event"])
    reason: str = Field(examples=["a track call names its event, a text that is not empty"])
