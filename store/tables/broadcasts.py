"""Broadcasts: one mail to many, and whom a file names."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.statuses import BroadcastStatus, enforce_transitions, status_column
from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import ordered_json_column as _ordered_json


class Broadcast(SQLModel, table=True):
    """One mail to a segment, or to whom a file names. `body` is what was asked for; the rest is how far it is.

    draft → scheduled → planning → sending → sent, and with an A/B test planning → sending → deciding → planning again;
    paused and cancelled on the way. `audience` counts who gets it and who does not, by reason.
    """

    __table_args__ = (Index("ix_broadcast_due", "status", "wake_at"),)

    key: str = Field(primary_key=True)
    body: dict[str, Any] = _ordered_json(default_factory=lambda: {})
    status: BroadcastStatus = status_column(BroadcastStatus, default=BroadcastStatus.DRAFT)
    paused_at: datetime | None = _at(default=None)
    wake_at: datetime | None = _at(default=None)
    start_at: datetime | None = _at(default=None)
    winner: str | None = None
    audience: dict[str, Any] | None = _json(default=None)
    alarm: str | None = None
    operation_id: str | None = None
    created_at: datetime = _at()
    updated_at: datetime = _at()
    finished_at: datetime | None = _at(default=None)


enforce_transitions(Broadcast)


class BroadcastMember(SQLModel, table=True):
    """A customer whom a broadcast's file names."""

    __tablename__: ClassVar[Any] = "broadcast_member"

    broadcast: str = Field(primary_key=True)
    customer_id: str = Field(primary_key=True, index=True)
