"""Counts of messages that are kept, not scanned for; each is a sum over shards, so that writers do not queue."""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel


class MessageCount(SQLModel, table=True):
    """How many messages there were of a kind. `gone` of them have no row any more: their customers were erased.

    What a message has not (a broadcast's has no journey, one that was accepted no reason) is the empty text.
    """

    __tablename__: ClassVar[Any] = "message_count"

    journey: str = Field(primary_key=True)
    broadcast: str = Field(primary_key=True)
    template: str = Field(primary_key=True)
    variant: str = Field(primary_key=True)
    lane: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    provider: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0
    gone: int = 0


class MessageDayCount(SQLModel, table=True):
    """How many messages were planned on a day (UTC, `2026-03-02`) and what became of them until now."""

    __tablename__: ClassVar[Any] = "message_day_count"

    day: str = Field(primary_key=True)
    journey: str = Field(primary_key=True)
    template: str = Field(primary_key=True)
    status: str = Field(primary_key=True)
    reason: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0


class DeliveryCount(SQLModel, table=True):
    """What came back: messages that arrived, were complained about, opened or clicked by people, each counted once.

    `subject` and `key` say to what they belong: a `journey`, a `broadcast` (and its `variant`) or a `topic`. `day` is
    the day (UTC) on which the provider accepted them.
    """

    __tablename__: ClassVar[Any] = "delivery_count"

    subject: str = Field(primary_key=True)
    key: str = Field(primary_key=True)
    variant: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0
