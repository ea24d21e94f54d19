"""Long work: simulations, imports, erasures."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown

OperationKind = Literal[
    "simulate", "import events", "import customers", "import consents", "import enrollments", "enroll", "erase",
    "resume", "leave", "test mail", "import recipients", "import rates", "plan broadcast", "preview broadcast",
    "cancel broadcast", "decide messages", "plan journey", "move enrollments", "fit value", "reconcile", "sign-in mail",
    "report funnel", "report cohorts", "report lifecycle", "report lift", "control enrollments",
]  # fmt: skip
"""What an operation may be; each has somebody who does it."""


class MadeUpEvent(BaseModel):
    """Something that a made-up customer does."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1, max_length=200, examples=["Order Completed"])
    after: str = Field(default="0", description="how long after the beginning", examples=["3 days"])
    properties: dict[str, Any] = Field(default={}, examples=[{"total": 20}])


class MadeUpCustomer(BaseModel):
    """Somebody who goes through the journey and is nobody: attributes, what they do, which variants they get."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {
                    "attributes": {"plan": "team", "timezone": "Europe/Berlin"},
                    "events": [{"name": "Order Completed", "after": "3 days", "properties": {"total": 20}}],
                    "variants": {"tip-test": "short"},
                }
            ]
        },
    )

    attributes: dict[str, Any] = {}
    events: list[MadeUpEvent] = Field(default=[], max_length=500)
    variants: dict[str, str] = Field(default={}, description="the variant of each split, by the split's id")
    start: str | None = Field(default=None, description="ISO 8601; without it now")
    days: float = Field(default=90, gt=0, le=3_660, description="for how long")


class SimulateIn(BaseModel):
    """What to replay: recorded events `from` an instant `until` another, through the draft or a version.

    With `customer` it is that made-up one alone, and the answer is their path.
    """

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
    customer: MadeUpCustomer | None = None


class PathEntry(BaseModel):
    """Something that happened on the way: a decision, a guard with the values it saw, a mail."""

    at: datetime
    what: str = Field(examples=["asked"])
    stage: str = Field(examples=["onboarding"])
    step: str | None = Field(examples=["onboarding/branch#1"])
    detail: dict[str, Any] = Field(
        examples=[{"guards": [{"guard": 'customer.plan == "team"', "holds": True, "seen": {"customer.plan": "team"}}]}]
    )


class SimulatedRun(BaseModel):
    """One run of the made-up customer: how it ended or where it stands, and everything that happened."""

    entered_at: datetime
    entered_by: str = Field(examples=["Signed Up"])
    key: str = Field(examples=[""])
    status: str = Field(examples=["live"])
    reason: str | None = Field(examples=[None])
    stage: str = Field(examples=["onboarding"])
    step: str | None = Field(examples=["onboarding/wait:2 days"])
    wakes_at: datetime | None
    path: list[PathEntry]


class Simulated(BaseModel):
    """What became of a made-up customer."""

    enrollments: list[SimulatedRun]


class FileFormOut(Shown):
    """How a file is written, as it was recognised or said."""

    format: str = Field(description="csv or ndjson", examples=["csv"])
    encoding: str = Field(description="by its IANA name", examples=["windows-1252"])
    delimiter: str | None = Field(description="comma, semicolon, tab or pipe; null for JSON", examples=["semicolon"])
    line_ends: str = Field(description="lf, crlf or cr", examples=["crlf"])


class OperationOut(Shown):
    """Long work and how far it is."""

    id: str = Field(examples=["op_06h0ay4t1dthcgt67nd2berw"])
    kind: str = Field(description="what is done", examples=["import events"])
    status: str = Field(description="queued, running, done, failed or cancelled", examples=["running"])
    paused: bool = Field(description="it waits until somebody lets it go on", examples=[False])
    done: int = Field(description="lines, customers or rows", examples=[500])
    total: int | None = Field(examples=[2357])
    note: str | None = Field(description="what it is at", examples=["placing"])
    rate: float | None = Field(description="done per second", examples=[412.5])
    seconds_left: int | None = Field(description="at that rate", examples=[5])
    result: dict[str, Any] | None = Field(description="counts so far, or the outcome", examples=[{"events": 500}])
    error: str | None = Field(description="why it failed", examples=[None])
    error_count: int = Field(description="lines that were not taken: GET …/errors", examples=[0])
    file: FileFormOut | None = Field(description="an import's: how it is written, as far as recognised")
    asked_by: str | None = Field(description="the id of the key", examples=["key_06h0ay4sys37zybcgkg3wbbb"])
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class OperationErrorOut(Shown):
    """A line of a file that was not taken."""

    line: int = Field(examples=[17])
    reason: str = Field(examples=["timestamp: must be an ISO 8601 instant"])
