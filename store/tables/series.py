"""Series: what happened on each day, kept and not scanned for; each count is a sum over shards."""

from typing import Any, ClassVar

from sqlmodel import Field, SQLModel

from store.types import partial_index


class DayCount(SQLModel, table=True):
    """How often something happened in a journey on a day (`2026-03-02`, in the installation's zone).

    `name` says what, `label` of which stages: see `store.queries.figures.series`. The empty day holds all days
    together, where those are asked for. Closed days are folded into shard 0.
    """

    __tablename__: ClassVar[Any] = "day_count"
    __table_args__ = (partial_index("ix_day_count_open", "day", of="shard > 0"),)

    journey: str = Field(primary_key=True)
    name: str = Field(primary_key=True)
    day: str = Field(primary_key=True)
    label: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    count: int = 0
