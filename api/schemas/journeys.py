"""Journeys and their versions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown


class JourneyOut(Shown):
    """A journey with its draft."""

    key: str = Field(examples=["lifecycle"])
    name: str | None = Field(examples=["Customer lifecycle"])
    live_version: int | None = Field(examples=[1])
    paused_at: datetime | None = Field(description="since when everybody is parked")
    archived_at: datetime | None = Field(description="since when nobody is let in")
    alarm: str | None = Field(description="why it stopped itself, or may soon", examples=[None])
    draft: dict[str, Any] | None
    updated_at: datetime


class DefinitionProblemOut(BaseModel):
    """One problem of a definition."""

    code: str = Field(examples=["unknown_stage"])
    severity: str = Field(examples=["error"])
    path: str = Field(examples=["stages.lapsed.transitions[0].to"])
    message: str = Field(examples=["there is no stage 'repeat_buyr'"])
    found: str | None = None
    expected: str | None = Field(default=None, examples=["'repeat_buyer', the nearest name"])
    line: int | None = Field(default=None, examples=[31])
    column: int | None = Field(default=None, examples=[9])


class DraftOut(BaseModel):
    """The draft that was stored, and what may be wrong with it."""

    journey: JourneyOut
    warnings: list[DefinitionProblemOut]


class Validation(BaseModel):
    """Whether a definition can be published, and everything there is to say about it."""

    valid: bool
    problems: list[DefinitionProblemOut]


class VersionOut(Shown):
    """A version, which never changes."""

    journey: str = Field(examples=["lifecycle"])
    number: int = Field(examples=[1])
    digest: str = Field(examples=["8e84c34f1b0017fed5a390e049541db9"])
    published_at: datetime


class VersionWhole(VersionOut):
    """A version with its definition."""

    definition: dict[str, Any]


class ArchiveIn(BaseModel):
    """What becomes of those who are under way."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"in_flight": "finish"}]})

    in_flight: Literal["finish", "exit"] = Field(default="finish", description="finish: to the end; exit: at once")


class Changed(BaseModel):
    """A change that goes on in the background."""

    operation: str | None = Field(description="the operation that carries it out, to watch", examples=["op_06h0ay4t1d"])


class JourneyChanged(JourneyOut, Changed):
    """The journey after the change, and the operation that brings it to those who are under way."""
