"""Who may call, what was refused, and the long work that was asked for."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.statuses import OperationStatus, enforce_transitions, status_column
from store.types import instant_column as _at
from store.types import json_column as _json


class ApiKey(SQLModel, table=True):
    """A key, of which only a hash is kept."""

    __tablename__: ClassVar[Any] = "api_key"

    id: str = Field(primary_key=True)
    name: str
    prefix: str
    hash: str = Field(unique=True)
    scopes: list[str] = _json(default_factory=lambda: [])
    created_at: datetime = _at()
    last_used_at: datetime | None = _at(default=None)
    revoked_at: datetime | None = _at(default=None)
    expires_at: datetime | None = _at(default=None)
    rate: str | None = None
    origins: list[str] = _json(default_factory=lambda: [])


class Audit(SQLModel, table=True):
    """Who changed what, with before and after; of a customer only the names of what changed."""

    __table_args__ = (
        Index("ix_audit_target", "kind", "target", "id"),
        Index("ix_audit_kind", "kind", "id"),
        Index("ix_audit_any_target", "target", "id"),
        Index("ix_audit_actor", "actor", "id"),
    )

    id: str = Field(primary_key=True)
    at: datetime = _at()
    actor: str
    action: str
    kind: str
    target: str
    before: dict[str, Any] | None = _json(default=None)
    after: dict[str, Any] | None = _json(default=None)


class IdempotentAnswer(SQLModel, table=True):
    """What a POST with an Idempotency-Key was answered, committed with what it did, and sealed."""

    __tablename__: ClassVar[Any] = "idempotent_answer"

    caller: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    fingerprint: str
    status: int
    headers: dict[str, Any] = _json(default_factory=lambda: {})
    body: bytes
    at: datetime = _at(index=True)


class OperationError(SQLModel, table=True):
    """A line of a file that was not taken, and why; nothing of the line itself is kept."""

    __tablename__: ClassVar[Any] = "operation_error"

    operation_id: str = Field(primary_key=True)
    line: int = Field(primary_key=True)
    reason: str


class UploadPart(SQLModel, table=True):
    """A part of an uploaded file, kept until its operation has ended; the worker may be on another machine."""

    __tablename__: ClassVar[Any] = "upload_part"

    operation_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    data: bytes


class Rejection(SQLModel, table=True):
    """An event that was not accepted, and why."""

    __table_args__ = (Index("ix_rejection_type", "type", "id"),)

    id: str = Field(primary_key=True)
    received_at: datetime = _at(index=True)
    message_id: str | None = None
    type: str | None = None
    path: str
    reason: str


class Operation(SQLModel, table=True):
    """Long work that somebody asked for, and how far it is."""

    __table_args__ = (
        Index("ix_operation_created", "created_at"),
        Index("ix_operation_kind", "kind", "id"),
        Index("ix_operation_status", "status", "id"),
    )

    id: str = Field(primary_key=True)
    kind: str
    status: OperationStatus = status_column(OperationStatus, default=OperationStatus.QUEUED)
    request: dict[str, Any] = _json(default_factory=lambda: {})
    done: int = 0
    total: int | None = None
    cancel: bool = False
    paused: bool = False
    result: dict[str, Any] | None = _json(default=None)
    error: str | None = None
    error_count: int = 0
    cursor: str = ""
    note: str | None = None
    asked_by: str | None = None
    created_at: datetime = _at()
    started_at: datetime | None = _at(default=None)
    finished_at: datetime | None = _at(default=None)


enforce_transitions(Operation)


class Pulse(SQLModel, table=True):
    """When a part of the worker (the dispatcher, a lane, …) last did a round, in whichever process."""

    part: str = Field(primary_key=True)
    at: datetime = _at()


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
