"""Alive, and ready."""

from datetime import datetime

from pydantic import BaseModel, Field

from api.schemas.base import Shown


class PartOut(Shown):
    """A part of the worker: the dispatcher, the scheduler, a lane."""

    part: str = Field(examples=["lane/journey"])
    works: bool = Field(description="whether it did a round within ten seconds")
    last_round: float | None = Field(description="seconds since its last round; null: it never did one", examples=[0.7])
    waiting: float = Field(description="seconds for which work has waited for it; 0: none does", examples=[0])


class Health(BaseModel):
    """`ok`, or `degraded` where the database, Temporal, room on the disk or a part of the worker is missing."""

    status: str = Field(examples=["ok"])
    database: bool = True
    temporal: bool = True
    room: bool = Field(default=True, description="whether the disk takes writes")
    held: datetime | None = Field(default=None, description="since when all lanes are held: nothing goes out")
    parts: list[PartOut] = Field(default=[], description="the parts of the worker, where they were asked for")
