"""What colleagues ask of each other about a journey."""

from datetime import datetime
from typing import Any, ClassVar, Literal

from sqlalchemy import Index, String
from sqlmodel import Field, SQLModel

from store.statuses import ApprovalStatus, enforce_transitions, status_column
from store.types import instant_column as _at
from store.types import partial_index

OPEN = "status = 'open'"
"""What is true of one request of a journey at most: whoever asks again has withdrawn what they asked before."""


class ApprovalRequest(SQLModel, table=True):
    """Somebody asks that a draft be published: which `revision` of it, and as which `plan` has told.

    Without a plan nobody is under way, since the journey was never published. `version` is what came of it.
    """

    __tablename__: ClassVar[Any] = "approval_request"
    __table_args__ = (
        Index("ix_approval_request_journey", "journey", "id"),
        Index("ix_approval_request_status", "status", "id"),
        partial_index("uq_approval_request_open", "journey", of=OPEN, unique=True),
    )

    id: str = Field(primary_key=True)
    journey: str
    revision: int
    plan: str | None = None
    in_flight: Literal["pin", "move"] = Field(sa_type=String)
    note: str = ""
    status: ApprovalStatus = status_column(ApprovalStatus, default=ApprovalStatus.OPEN)
    asked_by: str
    created_at: datetime = _at()
    decided_by: str | None = None
    decided_at: datetime | None = _at(default=None)
    reason: str | None = None
    version: int | None = None


enforce_transitions(ApprovalRequest)
