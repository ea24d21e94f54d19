"""Long work: simulations, imports, erasures."""

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


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
    kind: str = Field(description="what is done", examples=["import events"])
    status: str = Field(description="queued, running, done, failed or cancelled", examples=["running"])
    done: int = Field(description="lines, customers or rows", examples=[500])
    total: int | None = Field(examples=[2357])
    note: str | None = Field(description="what it is at", examples=["placing"])
    rate: float | None = Field(description="done per second", examples=[412.5])
    seconds_left: int | None = Field(description="at that rate", examples=[5])
    result: dict[str, Any] | None = Field(description="counts so far, or the outcome", examples=[{"events": 500}])
    error: str | None = Field(description="why it failed", examples=[None])
    error_count: int = Field(description="lines that were not taken: GET …/errors", examples=[0])
    asked_by: str | None = Field(description="the id of the key", examples=["key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OperationErrorOut(Shown):
    """A line of a file that was not taken."""

    line: int = Field(examples=[17])
    reason: str = Field(examples=["timestamp: must be an ISO 8601 instant"])
