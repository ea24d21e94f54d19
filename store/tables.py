"""The tables.

customer ─< event            what they did, append-only
customer ─< enrollment       one run through a journey = one workflow
enrollment ─< decision       the recorded "why", one row per command of the core
enrollment ─< message        the sending ledger, one row per mail
enrollment ─< interest       the events it waits for, matched at ingestion
enrollment ─< hook           webhooks and notes to colleagues, called until they are taken
segment ─< segment_member    who is in a segment now
date_due                     the dates that will let customers into journeys
enrollment ─< dispatch       signals and starts on their way to Temporal (a transactional outbox)
journey ─< journey_version   immutable published definitions, addressed by digest
stage_count, movement        maintained counts, never computed by scanning
outbox_mail                  the local mail catcher's inbox
"""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import workflow_id


class Customer(SQLModel, table=True):
    """A person. `events` holds per event name the aggregate that guards read; `seq` counts their events."""

    id: str = Field(primary_key=True)
    external_id: str | None = Field(default=None, unique=True)
    anonymous_id: str | None = Field(default=None, unique=True)
    email: str | None = Field(default=None, index=True)
    timezone: str | None = None
    attributes: dict[str, Any] = _json(default_factory=dict)
    events: dict[str, Any] = _json(default_factory=dict)
    segments: list[str] = _json(default_factory=list)
    seq: int = 0
    created_at: datetime = _at()
    updated_at: datetime = _at()


class Event(SQLModel, table=True):
    """Something a customer did. `message_id` is the client's deduplication key; one that does not fire only counts."""

    __table_args__ = (UniqueConstraint("customer_id", "seq"), Index("ix_event_name", "customer_id", "name", "seq"))

    id: str = Field(primary_key=True)
    message_id: str = Field(unique=True)
    customer_id: str = Field(foreign_key="customer.id")
    seq: int
    type: str
    name: str
    properties: dict[str, Any] = _json(default_factory=dict)
    fires: bool = True
    at: datetime = _at()
    received_at: datetime = _at()


class EventName(SQLModel, table=True):
    """A name that an event has had, so that a misspelt one is found."""

    __tablename__: ClassVar[Any] = "event_name"

    name: str = Field(primary_key=True)
    first_seen_at: datetime = _at()


class Segment(SQLModel, table=True):
    """A named guard over the customer. Members are kept as customers change, and by the clock where it reads `now`."""

    key: str = Field(primary_key=True)
    name: str | None = None
    guard: str
    created_at: datetime = _at()
    updated_at: datetime = _at()
    evaluated_at: datetime | None = _at(default=None)


class SegmentMember(SQLModel, table=True):
    """A customer who is in a segment now."""

    __tablename__: ClassVar[Any] = "segment_member"

    segment: str = Field(primary_key=True)
    customer_id: str = Field(primary_key=True, index=True)
    since: datetime = _at()


class Backfill(SQLModel, table=True):
    """Work over all customers, and the last customer who was done."""

    kind: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    cursor: str = ""
    started_at: datetime = _at()


class DateDue(SQLModel, table=True):
    """When a date of a customer lets them into a journey; gone when it has."""

    __tablename__: ClassVar[Any] = "date_due"
    __table_args__ = (Index("ix_date_due_at", "at"),)

    journey: str = Field(primary_key=True)
    trigger: str = Field(primary_key=True)
    customer_id: str = Field(primary_key=True, index=True)
    at: datetime = _at()


class Hook(SQLModel, table=True):
    """A webhook or a note to a colleague: one per step of a visit, called until it is taken or given up."""

    __table_args__ = (Index("ix_hook_due", "status", "not_before"),)

    id: str = Field(primary_key=True)
    kind: str
    enrollment_id: str = Field(index=True)
    customer_id: str = Field(index=True)
    journey: str
    digest: str
    stage: str
    step: str
    visit: int
    status: str = "planned"
    attempts: int = 0
    not_before: datetime = _at()
    created_at: datetime = _at()
    updated_at: datetime = _at()
    answer: int | None = None
    error: str | None = None


class Rejection(SQLModel, table=True):
    """An event that was not accepted, and why."""

    id: str = Field(primary_key=True)
    received_at: datetime = _at(index=True)
    message_id: str | None = None
    type: str | None = None
    path: str
    reason: str


class Journey(SQLModel, table=True):
    """A journey by key: its draft, and which version is live."""

    key: str = Field(primary_key=True)
    name: str | None = None
    draft: dict[str, Any] | None = _json(default=None)
    draft_text: str | None = None
    live_version: int | None = None
    lifecycle: bool = False
    created_at: datetime = _at()
    updated_at: datetime = _at()


class JourneyVersion(SQLModel, table=True):
    """An immutable published definition."""

    __tablename__: ClassVar[Any] = "journey_version"

    journey: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    digest: str = Field(index=True)
    canonical: str
    published_at: datetime = _at()


class Enrollment(SQLModel, table=True):
    """One customer's run through a journey, and where it stands (the projection of the workflow's state)."""

    __table_args__ = (
        UniqueConstraint("journey", "customer_id", "key", "run", name="uq_enrollment_run"),
        Index("ix_enrollment_place", "journey", "status", "stage", "step"),
    )

    id: str = Field(primary_key=True)
    journey: str
    version: int
    digest: str
    customer_id: str = Field(foreign_key="customer.id", index=True)
    key: str = ""
    run: int
    source: str
    data: dict[str, Any] = _json(default_factory=dict)
    status: str = "live"
    reason: str | None = None
    stage: str
    step: str | None = None
    visit: int = 0
    number: int = 0
    cursor: int = 0
    paused: bool = False
    wakes_at: datetime | None = _at(default=None)
    entered_at: datetime = _at()
    stage_since: datetime = _at()
    ended_at: datetime | None = _at(default=None)

    @property
    def workflow_id(self) -> str:
        return workflow_id(self.journey, self.customer_id, self.key, self.run)


class Interest(SQLModel, table=True):
    """An event name that a live enrollment waits for."""

    __table_args__ = (Index("ix_interest_customer", "customer_id", "name"),)

    enrollment_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    customer_id: str


class Decision(SQLModel, table=True):
    """Why. Within an enrollment `number` is the command's; `answer` is what the core was told, kept for repeats."""

    __table_args__ = (UniqueConstraint("enrollment_id", "number"), Index("ix_decision_customer", "customer_id", "at"))

    id: str = Field(primary_key=True)
    customer_id: str
    journey: str
    enrollment_id: str | None = None
    number: int | None = None
    at: datetime = _at()
    what: str
    stage: str | None = None
    step: str | None = None
    visit: int | None = None
    detail: dict[str, Any] = _json(default_factory=dict)
    answer: dict[str, Any] | None = _json(default=None)


class Message(SQLModel, table=True):
    """The sending ledger: one mail to one customer. Its id is the `send_id`, made of enrollment, step and visit."""

    __table_args__ = (
        Index("ix_message_due", "lane", "status", "not_before"),
        Index("ix_message_customer", "customer_id", "planned_at"),
        Index("ix_message_enrollment", "enrollment_id", "stage"),
    )

    id: str = Field(primary_key=True)
    enrollment_id: str | None = None
    customer_id: str
    journey: str
    digest: str
    stage: str
    step: str
    visit: int
    template: str
    topic: str
    lane: str
    status: str
    reason: str | None = None
    due: datetime = _at()
    not_before: datetime | None = _at(default=None)
    planned_at: datetime = _at()
    updated_at: datetime = _at()
    attempt: int = 0
    fence: str | None = None
    provider: str | None = None
    provider_id: str | None = None
    accepted_at: datetime | None = _at(default=None)
    subject: str | None = None
    html: str | None = None
    text: str | None = None


class Lane(SQLModel, table=True):
    """Who delivers a lane now: each takeover gets a new fence, so that a zombie is told from the owner."""

    name: str = Field(primary_key=True)
    fence: str
    taken_at: datetime = _at()
    alarm: str | None = None


class OutboxMail(SQLModel, table=True):
    """A mail that the local outbox caught. Nothing here is unique by send_id: the outbox counts what it receives."""

    __tablename__: ClassVar[Any] = "outbox_mail"

    id: str = Field(primary_key=True)
    send_id: str = Field(index=True)
    received_at: datetime = _at()
    to_address: str
    from_address: str
    subject: str
    headers: dict[str, Any] = _json(default_factory=dict)
    html: str
    text: str


class Suppression(SQLModel, table=True):
    """An address that is never written to."""

    email: str = Field(primary_key=True)
    reason: str
    source: str
    created_at: datetime = _at()


class Consent(SQLModel, table=True):
    """What a customer said about a topic; where there is no row, the topic's default holds."""

    customer_id: str = Field(primary_key=True)
    topic: str = Field(primary_key=True)
    granted: bool
    source: str
    at: datetime = _at()


class Dispatch(SQLModel, table=True):
    """A start or signal on its way to Temporal, kept until Temporal has it. Rows of one enrollment go in order."""

    __table_args__ = (Index("ix_dispatch_next", "priority", "id"),)

    id: int | None = Field(default=None, primary_key=True)
    enrollment_id: str = Field(index=True)
    workflow_id: str
    kind: str
    payload: dict[str, Any] = _json(default_factory=dict)
    priority: int
    not_before: datetime | None = _at(default=None)
    leased_until: datetime | None = _at(default=None)
    attempts: int = 0
    error: str | None = None
    created_at: datetime = _at()


class Operation(SQLModel, table=True):
    """Long work that somebody asked for, and how far it is."""

    __table_args__ = (Index("ix_operation_created", "created_at"),)

    id: str = Field(primary_key=True)
    kind: str
    status: str = "queued"
    request: dict[str, Any] = _json(default_factory=dict)
    done: int = 0
    total: int | None = None
    cancel: bool = False
    result: dict[str, Any] | None = _json(default=None)
    error: str | None = None
    created_at: datetime = _at()
    started_at: datetime | None = _at(default=None)
    finished_at: datetime | None = _at(default=None)


class StageCount(SQLModel, table=True):
    """How many live enrollments stand at a step; a sum over shards, so that writers do not queue."""

    __tablename__: ClassVar[Any] = "stage_count"

    journey: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0


class Movement(SQLModel, table=True):
    """How often customers moved from one stage to another; entry comes from the empty stage."""

    journey: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0


class ApiKey(SQLModel, table=True):
    """A key, of which only a hash is kept."""

    __tablename__: ClassVar[Any] = "api_key"

    id: str = Field(primary_key=True)
    name: str
    prefix: str
    hash: str = Field(unique=True)
    scopes: list[str] = _json(default_factory=list)
    created_at: datetime = _at()
    last_used_at: datetime | None = _at(default=None)
    revoked_at: datetime | None = _at(default=None)


class ImportedFile(SQLModel, table=True):
    """A file that was imported, by the digest of its content, and by how many days it was moved in time."""

    __tablename__: ClassVar[Any] = "imported_file"

    digest: str = Field(primary_key=True)
    journey: str | None = None
    as_of: datetime = _at()
    shift_days: int = 0
    done: bool = False
    customers: int = 0
    events: int = 0
