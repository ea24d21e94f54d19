"""Values that nobody could read: how many there were, and a few of them to look at."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at


class UnreadableCount(SQLModel, table=True):
    """How many values of a field could not be read on a day (UTC, `2026-03-02`); split into shards by customer."""

    __tablename__: ClassVar[Any] = "unreadable_count"

    source: str = Field(primary_key=True)
    field: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0


class UnreadableExample(SQLModel, table=True):
    """One of them, shortened; it is the customer's, and goes with them."""

    __tablename__: ClassVar[Any] = "unreadable_example"
    __table_args__ = (Index("ix_unreadable_example_field", "source", "field"),)

    id: str = Field(primary_key=True)
    customer_id: str = Field(index=True)
    source: str
    field: str
    value: str
    at: datetime = _at()
