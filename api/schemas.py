"""The shapes of answers. Times are UTC, ISO 8601."""

from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict, Field

Item = TypeVar("Item")


class Shown(BaseModel):
    model_config = ConfigDict(from_attributes=True)


class Page(BaseModel, Generic[Item]):
    """One page of a list; `cursor` leads to the next one, and is null on the last."""

    items: list[Item]
    cursor: str | None = Field(default=None, description="pass as `cursor` to read on")


class CustomerIn(BaseModel):
    """Attributes to merge into a customer; null removes one."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [{"attributes": {"email": "ann@example.com", "first_name": "Ann", "timezone": "Europe/Berlin"}}]
        },
    )

    attributes: dict[str, Any]


class CustomerOut(Shown):
    id: str = Field(description="the internal, opaque id", examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    external_id: str | None = Field(description="the id you gave", examples=["17"])
    email: str | None = Field(examples=["ann@example.com"])
    timezone: str | None = Field(examples=["Europe/Berlin"])
    attributes: dict[str, Any] = Field(examples=[{"first_name": "Ann"}])
    events: dict[str, Any] = Field(
        description="per event name: count, first_at, last_at, sum",
        examples=[{"Order Completed": {"count": 2, "first_at": None, "last_at": None, "sum": 40.5}}],
    )
    segments: list[str] = Field(description="the segments the customer is in", examples=[["loyal"]])
    created_at: datetime


class ActionOut(BaseModel):
    """Something that will happen, unless one of `unless` comes before."""

    at: datetime
    local: str = Field(description="the customer's own clock", examples=["Tue 2026-03-10 09:00 Europe/Berlin"])
    what: str = Field(description="send, skip, defer, moved, ended, …", examples=["send"])
    stage: str = Field(examples=["lapsed"])
    step: str | None = Field(examples=["lapsed/send:win_back_offer"])
    detail: dict[str, Any] = Field(examples=[{"template": "win_back_offer"}])
    unless: list[str] = Field(examples=[["Order Completed (to repeat_buyer)"]])


class Forecast(BaseModel):
    """What comes next for an enrollment if nothing happens."""

    enrollment: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    journey: str = Field(examples=["lifecycle"])
    stage: str = Field(examples=["lapsed"])
    step: str | None = Field(examples=["lapsed/wait:14 days"])
    paused: bool
    actions: list[ActionOut]
    unless: list[str] = Field(description="what would lead elsewhere from where the customer stands")


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


class SegmentIn(BaseModel):
    """A named guard over the customer."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "Loyal", "guard": 'customer.events["Order Completed"].count >= 5'}]},
    )

    guard: str = Field(max_length=4_000)
    name: str | None = Field(default=None, max_length=200)


class SegmentOut(Shown):
    key: str = Field(examples=["loyal"])
    name: str | None = Field(examples=["Loyal"])
    guard: str = Field(examples=['customer.events["Order Completed"].count >= 5'])
    created_at: datetime
    updated_at: datetime


class MemberOut(Shown):
    customer_id: str = Field(examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    since: datetime


class EnrollmentOut(Shown):
    id: str = Field(examples=["enr_06h0ay4t1dthcgt67nd2berw"])
    journey: str = Field(examples=["lifecycle"])
    version: int = Field(examples=[1])
    customer_id: str = Field(examples=["cus_06h0ay4sys37zybcgkg3wbbb"])
    key: str = Field(description="tells runs apart that stand side by side; else empty", examples=[""])
    run: int = Field(examples=[1])
    source: str = Field(description="what let the customer in", examples=["event Order Completed"])
    status: str = Field(description="live or ended", examples=["live"])
    reason: str | None = Field(description="why it ended", examples=[None])
    stage: str = Field(examples=["repeat_buyer"])
    step: str | None = Field(description="the step it waits in, or null", examples=["repeat_buyer/wait:14 days"])
    visit: int = Field(description="counts the stages entered", examples=[3])
    paused: bool
    wakes_at: datetime | None = Field(description="when it acts by itself")
    entered_at: datetime
    stage_since: datetime
    ended_at: datetime | None


class CustomerStatus(BaseModel):
    """Where a customer is: the profile, the lifecycle stage, and every enrollment."""

    customer: CustomerOut
    lifecycle_stage: str | None = Field(examples=["repeat_buyer"])
    enrollments: list[EnrollmentOut]


class TimelineEntry(BaseModel):
    """An event or a decision, with everything it was decided on."""

    at: datetime
    kind: str = Field(examples=["decision"])
    what: str = Field(examples=["moved"])
    journey: str | None = Field(examples=["lifecycle"])
    stage: str | None = Field(examples=["lapsed"])
    step: str | None
    detail: dict[str, Any] = Field(examples=[{"to": "repeat_buyer", "cause": "event", "event": "Order Completed"}])


class MessageOut(Shown):
    id: str = Field(description="the send_id", examples=["2161b3b7-f9d3-5b07-9196-af81ec9afb65"])
    journey: str = Field(examples=["lifecycle"])
    enrollment_id: str | None
    customer_id: str
    stage: str = Field(examples=["repeat_buyer"])
    step: str = Field(examples=["repeat_buyer/send:thank_you"])
    template: str = Field(examples=["thank_you"])
    topic: str = Field(examples=["product-news"])
    lane: str = Field(examples=["journey"])
    status: str = Field(
        description="planned, deferred, sending, accepted, failed, skipped, unknown or parked", examples=["accepted"]
    )
    reason: str | None = Field(description="why it was deferred, skipped or failed", examples=[None])
    planned_at: datetime
    accepted_at: datetime | None
    provider: str | None = Field(examples=["outbox"])
    provider_id: str | None


class MessageWhole(MessageOut):
    """With the very mail that was sent."""

    subject: str | None = Field(examples=["Thank you, Ann"])
    html: str | None
    text: str | None


class JourneyOut(Shown):
    key: str = Field(examples=["lifecycle"])
    name: str | None = Field(examples=["Customer lifecycle"])
    live_version: int | None = Field(examples=[1])
    draft: dict[str, Any] | None
    updated_at: datetime


class Finding(BaseModel):
    """One problem of a definition."""

    code: str = Field(examples=["unknown_stage"])
    severity: str = Field(examples=["error"])
    path: str = Field(examples=["stages.lapsed.transitions[0].to"])
    message: str = Field(examples=["there is no stage 'repeat_buyr'"])
    found: str | None = None
    expected: str | None = Field(default=None, examples=["'repeat_buyer', the nearest name"])
    line: int | None = Field(default=None, examples=[31])
    column: int | None = Field(default=None, examples=[9])


class DraftOut(BaseModel):
    journey: JourneyOut
    warnings: list[Finding]


class Validation(BaseModel):
    """Whether a definition can be published, and everything there is to say about it."""

    valid: bool
    problems: list[Finding]


class VersionOut(Shown):
    journey: str = Field(examples=["lifecycle"])
    number: int = Field(examples=[1])
    digest: str = Field(examples=["8e84c34f1b0017fed5a390e049541db9"])
    published_at: datetime


class VersionWhole(VersionOut):
    definition: dict[str, Any]


class Published(VersionOut):
    created: bool = Field(description="false where this very definition was live already")


class EnrollIn(BaseModel):
    """Whom to enroll, and what guards and templates may read as `enrollment`."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"customer": "17", "data": {}}]})

    customer: str = Field(description="the customer's id or email address", min_length=1, max_length=320)
    data: dict[str, Any] = {}


class ControlIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"reason": "asked by phone"}]})

    reason: str = Field(default="", max_length=200, description="kept with the decision")


class StepCount(BaseModel):
    stage: str = Field(examples=["repeat_buyer"])
    step: str | None = Field(examples=["repeat_buyer/wait:14 days"])
    count: int = Field(examples=[12])


class LifecycleReport(BaseModel):
    journey: str | None = Field(examples=["lifecycle"])
    stages: dict[str, int] = Field(examples=[{"core": 192, "repeat_buyer": 107}])
    steps: list[StepCount]
    movements: dict[str, int] = Field(examples=[{"->first_time_buyer": 2357, "lapsed->repeat_buyer": 310}])


class KeyIn(BaseModel):
    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"name": "shop", "scopes": ["ingest"]}]})

    name: str = Field(min_length=1, max_length=100)
    scopes: list[str] = Field(description="of ingest, marketer, support, admin")


class KeyOut(Shown):
    id: str
    name: str = Field(examples=["shop"])
    prefix: str = Field(examples=["wp_3kF9xQ2a"])
    scopes: list[str] = Field(examples=[["ingest"]])
    created_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


class KeyMade(KeyOut):
    key: str = Field(description="shown this once", examples=["wp_…"])


class RejectionOut(Shown):
    id: str
    received_at: datetime
    message_id: str | None
    type: str | None = Field(examples=["track"])
    path: str = Field(examples=["event"])
    reason: str = Field(examples=["a track call names its event, a text that is not empty"])


class Health(BaseModel):
    status: str = Field(examples=["ok"])
    database: bool = True
    temporal: bool = True
