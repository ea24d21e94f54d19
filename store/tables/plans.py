"""What the plan of a publish says of each enrollment, kept as long as its operation."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json


class PlanEntry(SQLModel, table=True):
    """What would become of one enrollment; `detail` is what its kind tells beside the places.

    `wakes`, `seq` (its customer's last event) and `acts_at` (when it acts by itself next, under either version) tell
    whether it may be otherwise by now.
    """

    __tablename__: ClassVar[Any] = "plan_entry"
    __table_args__ = (
        Index("ix_plan_entry_kind", "operation_id", "kind", "enrollment_id"),
        Index("ix_plan_entry_customer", "customer_id"),
    )

    operation_id: str = Field(primary_key=True)
    enrollment_id: str = Field(primary_key=True)
    customer_id: str
    kind: str
    version: int
    stage: str
    step: str | None = None
    to_stage: str
    to_step: str | None = None
    wakes: int | None = None
    seq: int | None = None
    acts_at: datetime | None = _at(default=None)
    detail: dict[str, Any] = _json(default_factory=lambda: {})
