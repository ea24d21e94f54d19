"""Long work."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.common import Shown


class SimulateIn(BaseModel):
    """What to replay: recorded events `from` an instant `until` another, through the draft or a version."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={"examples": [{"from": "2026-01-01T00:00:00Z", "until": "2026-06-30T00:00:00Z"}]},
    )

    begin: str | None = Field(default=None, alias="from", description="ISO 8601; without it from the first event on")
    until: str | None = Field(default=None, description="ISO 8601; without it until now")
    version: int | None = Field(
        default=None, ge=1, le=2**31 - 1, description="a published version; without it the draft"
    )


class OperationOut(Shown):
    """Long work and how far it is."""

    id: str = Field(examples=["op_06h0ay4t1dthcgt67nd2berw"])
    kind: str = Field(examples=["simulate"])
    status: str = Field(description="queued, running, done, failed or cancelled", examples=["running"])
    done: int = Field(examples=[500])
    total: int | None = Field(examples=[2357])
    result: dict[str, Any] | None = Field(examples=[None])
    error: str | None = Field(examples=[None])
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
