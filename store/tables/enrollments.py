"""Runs through journeys: where each stands, why, and what is on its way to Temporal."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from store.statuses import (
    ControlStatus,
    DispatchStatus,
    EnrollmentStatus,
    HookStatus,
    enforce_transitions,
    status_column,
)
from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import partial_index


class Enrollment(SQLModel, table=True):
    """One customer's run through a journey, and where it stands.

    `state` is the core's, behind the wake of the number `wakes`; `last_wakes` is what each of the last ones up to that
    put in and was told, for the workflow, which may not have followed them. `due_at` is when it is to be waked ahead of
    its workflow, None where that is the first to wake it; `follow_at` is when a workflow that is behind is poked.
    `cursor` is the number of the last event that was worked off or passed over.
    `migrating` says that it was moved to another version, and that its workflow has not heard of it.
    `stuck` is the error that its wakes end in, while they do. `poked_at` is since when something waits for it, None
    where nothing does; `nudged_at` is when the upkeep last poked it, since it was overdue. `paused_by` is a person, the
    journey or its stage; `resumed_at` is when a person last resumed it, and `resumed_late` what was to become of the
    mails that were overdue then (None: what their steps say). `sent_past` is the mail that a person last let go past
    hours and caps.
    """

    __table_args__ = (
        UniqueConstraint("journey", "customer_id", "key", "run", name="uq_enrollment_run"),
        Index("ix_enrollment_customer", "customer_id", "id"),
        Index("ix_enrollment_journey", "journey", "id"),
        Index("ix_enrollment_journey_status", "journey", "status", "id"),
        Index("ix_enrollment_journey_stage", "journey", "stage", "id"),
        Index("ix_enrollment_place", "journey", "status", "stage", "id"),
        partial_index("ix_enrollment_standing", "journey", "stage", "customer_id", of="status = 'live'"),
        Index("ix_enrollment_stage", "stage", "id"),
        partial_index("ix_enrollment_step", "step", "id", of="step IS NOT NULL"),
        Index("ix_enrollment_status", "status", "id"),
        partial_index("ix_enrollment_wakes", "wakes_at", "id", of="wakes_at IS NOT NULL"),
        partial_index("ix_enrollment_due", "due_at", "id", of="due_at IS NOT NULL"),
        partial_index("ix_enrollment_follow", "follow_at", "id", of="follow_at IS NOT NULL"),
        partial_index("ix_enrollment_poked", "poked_at", "id", of="poked_at IS NOT NULL"),
        partial_index("ix_enrollment_stuck", "id", of="stuck IS NOT NULL"),
        partial_index("ix_enrollment_version", "journey", "version", "id", of="status = 'live'"),
        partial_index("ix_enrollment_since", "journey", "entered_at", "id", of="status = 'live'"),
        partial_index("ix_enrollment_held", "journey", "id", of="paused_by IS NOT NULL"),
    )

    id: str = Field(primary_key=True)
    journey: str
    version: int
    digest: str
    customer_id: str = Field(foreign_key="customer.id")
    key: str = ""
    run: int
    workflow_id: str
    source: str
    data: dict[str, Any] = _json(default_factory=lambda: {})
    status: EnrollmentStatus = status_column(EnrollmentStatus, default=EnrollmentStatus.LIVE)
    reason: str | None = None
    stage: str
    step: str | None = None
    visit: int = 0
    cursor: int = 0
    wakes: int = 0
    state: dict[str, Any] = _json(default_factory=lambda: {})
    last_wakes: list[dict[str, Any]] = _json(default_factory=lambda: [])
    migrating: bool = False
    stuck: str | None = None
    paused: bool = False
    paused_by: str | None = None
    resumed_at: datetime | None = _at(default=None)
    resumed_late: str | None = None
    sent_past: str | None = None
    wakes_at: datetime | None = _at(default=None)
    due_at: datetime | None = _at(default=None)
    follow_at: datetime | None = _at(default=None)
    poked_at: datetime | None = _at(default=None)
    nudged_at: datetime | None = _at(default=None)
    entered_at: datetime = _at()
    stage_since: datetime = _at()
    ended_at: datetime | None = _at(default=None)


enforce_transitions(Enrollment)


class Interest(SQLModel, table=True):
    """An event name that a live enrollment waits for."""

    __table_args__ = (Index("ix_interest_customer", "customer_id", "name"),)

    enrollment_id: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    customer_id: str


class Decision(SQLModel, table=True):
    """Why. Within an enrollment `number` is the command's. `entered_stage` is the stage that somebody came to by it."""

    __table_args__ = (
        UniqueConstraint("enrollment_id", "number"),
        Index("ix_decision_customer", "customer_id", "at"),
        partial_index(
            "ix_decision_entered", "journey", "entered_stage", "at", "customer_id", of="entered_stage IS NOT NULL"
        ),
        partial_index("ix_decision_visits", "customer_id", "journey", "entered_stage", of="entered_stage IS NOT NULL"),
        Index("ix_decision_export", "export_position", "id"),
    )

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
    entered_stage: str | None = None
    detail: dict[str, Any] = _json(default_factory=lambda: {})
    export_position: int = Field(default=0, sa_type=BigInteger)


class ControlRequest(SQLModel, table=True):
    """Something that was asked of an enrollment: pause, resume, skip, move or exit. Its next wake does it, or refuses.

    `reason` is what an exit ends the enrollment with, `stage` and `step` are where a move leads; `refusal` is the
    sentence of one that was refused. `late` is what becomes of overdue mails by a resume (None: what their steps say).
    """

    __tablename__: ClassVar[Any] = "control"
    __table_args__ = (partial_index("ix_control_open", "enrollment_id", "asked_at", of="status = 'asked'"),)

    id: str = Field(primary_key=True)
    enrollment_id: str = Field(index=True)
    customer_id: str = Field(index=True)
    verb: str
    reason: str = ""
    stage: str | None = None
    step: str | None = None
    late: str | None = None
    status: ControlStatus = status_column(ControlStatus, default=ControlStatus.ASKED)
    refusal: str | None = None
    asked_at: datetime = _at()
    done_at: datetime | None = _at(default=None)


enforce_transitions(ControlRequest)


class Hook(SQLModel, table=True):
    """A webhook or a note to a colleague: one per step of a visit, called until it is taken or given up.

    `once` says that it must not be repeated where it may have gone: a note by mail. `fence` is its last owner.
    """

    __table_args__ = (
        Index("ix_hook_due", "status", "not_before"),
        Index("ix_hook_journey", "journey", "status", "id"),
        Index("ix_hook_of_journey", "journey", "id"),
        Index("ix_hook_status", "status", "id"),
        Index("ix_hook_customer", "customer_id", "id"),
    )

    id: str = Field(primary_key=True)
    kind: str
    enrollment_id: str = Field(index=True)
    customer_id: str
    journey: str
    digest: str
    stage: str
    step: str
    visit: int
    status: HookStatus = status_column(HookStatus, default=HookStatus.PLANNED)
    attempts: int = 0
    once: bool = False
    fence: str | None = None
    not_before: datetime = _at()
    created_at: datetime = _at()
    updated_at: datetime = _at()
    answer: int | None = None
    error: str | None = None


enforce_transitions(Hook)


class Dispatch(SQLModel, table=True):
    """A start or signal on its way to Temporal, kept until Temporal has it. Rows of one enrollment go in order."""

    __table_args__ = (
        Index("ix_dispatch_next", "status", "priority", "id"),
        Index("ix_dispatch_status", "status", "id"),
        Index("ix_dispatch_kind", "kind", "status"),
    )

    id: int | None = Field(default=None, primary_key=True)
    enrollment_id: str = Field(index=True)
    workflow_id: str
    kind: str
    payload: dict[str, Any] = _json(default_factory=lambda: {})
    status: DispatchStatus = status_column(DispatchStatus, default=DispatchStatus.READY)
    priority: int
    not_before: datetime | None = _at(default=None)
    leased_until: datetime | None = _at(default=None)
    attempts: int = 0
    error: str | None = None
    trace: str | None = None
    created_at: datetime = _at()


enforce_transitions(Dispatch)


class StageCount(SQLModel, table=True):
    """How many live enrollments stand at a step; a sum over shards, so that writers do not queue."""

    __tablename__: ClassVar[Any] = "stage_count"

    journey: str = Field(primary_key=True)
    stage: str = Field(primary_key=True)
    step: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0


class Movement(SQLModel, table=True):
    """How often customers moved from one stage to another; entry comes from the empty stage.

    `seconds` is the time they spent in the stage they left, all together.
    """

    journey: str = Field(primary_key=True)
    source: str = Field(primary_key=True)
    target: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0
    seconds: int = Field(default=0, sa_type=BigInteger)


class RunCount(SQLModel, table=True):
    """Other counts that outlive the rows they count: runs ended by reason, conversions by template."""

    __tablename__: ClassVar[Any] = "run_count"

    journey: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0
