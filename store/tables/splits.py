"""Splits: which variant each customer has, and what became of the experiments."""

from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel

from store.types import instant_column as _at
from store.types import json_column as _json
from store.types import partial_index


class Assignment(SQLModel, table=True):
    """The variant of a split that a customer has, for ever; `split` is the id that its journey gives it.

    `counted` is false where the experiment does not count them: who was placed by an import was sent nothing.
    `converted_at` is when they first reached the journey's goal with it. `revenue` is what the events of
    the goal were worth from then on, orders by their keys and the rest by day (`value.goal_revenue`). Of whoever was
    erased that stays under an id of nobody.
    """

    __table_args__ = (
        partial_index("ix_assignment_converted", "journey", "split", "variant", of="converted_at IS NOT NULL"),
    )

    customer_id: str = Field(primary_key=True)
    journey: str = Field(primary_key=True)
    split: str = Field(primary_key=True)
    variant: str
    at: datetime = _at()
    counted: bool = True
    converted_at: datetime | None = _at(default=None)
    revenue: dict[str, Any] = _json(default_factory=lambda: {})


class RevenueSum(SQLModel, table=True):
    """What a variant's customers brought: sums over shards, which change with the `revenue` of their assignments.

    `what` says what is summed and `part` of which day or which bucket: see `store.queries.figures.variant_revenue`.
    `units` are the smallest ones of the currency.
    """

    __tablename__: ClassVar[Any] = "revenue_sum"

    journey: str = Field(primary_key=True)
    what: str = Field(primary_key=True)
    split: str = Field(primary_key=True)
    variant: str = Field(primary_key=True)
    currency: str = Field(primary_key=True)
    part: str = Field(primary_key=True)
    shard: int = Field(primary_key=True)
    customers: int = 0
    units: int = Field(default=0, sa_type=BigInteger)


class Experiment(SQLModel, table=True):
    """A split that decides itself, or is decided: whoever comes to it then takes the `winner`, for ever.

    It `began_at` the publish that said how it decides itself; it was looked at `looks` times, and will be again at
    `next_look_at`. `by` and `why` are who or what decided it, and what was seen.
    """

    __table_args__ = (partial_index("ix_experiment_next_look", "next_look_at", of="next_look_at IS NOT NULL"),)

    journey: str = Field(primary_key=True)
    split: str = Field(primary_key=True)
    began_at: datetime = _at()
    looks: int = 0
    next_look_at: datetime | None = _at(default=None)
    winner: str | None = None
    decided_at: datetime | None = _at(default=None)
    by: str | None = None
    why: dict[str, Any] = _json(default_factory=lambda: {})
