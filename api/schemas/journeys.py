"""Journeys and their versions."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from api.schemas.base import Shown
from journeys.changes.version_changes import ChangeKind
from journeys.language.words import Key, Late


class JourneyOut(Shown):
    """A journey with its draft."""

    key: str = Field(examples=["lifecycle"])
    name: str | None = Field(examples=["Customer lifecycle"])
    live_version: int | None = Field(examples=[1])
    paused_at: datetime | None = Field(description="since when everybody is parked")
    paused_stages: dict[str, datetime] = Field(
        default={}, description="the stages in which everybody is parked, and since when", examples=[{}]
    )
    archived_at: datetime | None = Field(description="since when nobody is let in")
    alarm: str | None = Field(description="why it stopped itself, or may soon", examples=[None])
    draft: dict[str, Any] | None
    revision: int = Field(description="of the draft: counts its changes; name it as `based_on` to change it")
    based_on: int | None = Field(description="the revision that the draft's author had read", examples=[2])
    drafted_by: str | None = Field(description="the key that wrote the draft", examples=["key_06h0ay4t1dthcgt6"])
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
    drafted_by: str | None = Field(description="the key that wrote it", examples=["key_06h0ay4t1dthcgt6"])
    published_by: str | None = Field(description="the key that published it", examples=["key_06h0b2w9rpd2q8xk"])
    published_at: datetime
    archived_at: datetime | None = Field(description="since when nobody goes back to it", examples=[None])
    share: int = Field(description="how many in a hundred of those who come enter it while it is live", examples=[100])
    others: int | None = Field(description="the version that the others enter", examples=[None])


class VersionListed(VersionOut):
    """A version, who published it, and what it changed."""

    by: str | None = Field(
        default=None, description="the name of the user or the key that published it", examples=["Bea"]
    )
    summary: str = Field(
        description="what it changed of the one before, in a sentence",
        examples=["In stage 'onboarding', the wait behind 'send welcome' is 5 days instead of 3 days."],
    )


class VersionWhole(VersionListed):
    """A version with its definition."""

    templates: dict[str, int | None] = Field(
        description="the version of each template when it was published; null for a file", examples=[{"welcome": 3}]
    )
    definition: dict[str, Any]


class VersionChangeOut(BaseModel):
    """One change of a version against another."""

    kind: ChangeKind = Field(examples=["step_retimed"])
    place: str = Field(description="a stage, a step's id, or a setting", examples=["onboarding/wait:5 days"])
    sentence: str = Field(
        examples=["In stage 'onboarding', the wait behind 'send welcome' is 5 days instead of 3 days."]
    )
    before: Any = Field(description="what stood there, as the language writes it; null where nothing did")
    after: Any = Field(examples=["5 days"])


class ComparedSideOut(BaseModel):
    """One of two versions that are compared."""

    number: int | None = Field(description="null for the draft", examples=[2])
    drafted_by: str | None = Field(description="the key that wrote it", examples=["key_06h0ay4t1dthcgt6"])
    published_by: str | None = Field(description="the key that published it", examples=["key_06h0b2w9rpd2q8xk"])
    at: datetime = Field(description="when it was published; of a draft, when it was stored")


class VersionDiff(BaseModel):
    """Two versions side by side: what the second changes of the first."""

    journey: str = Field(examples=["lifecycle"])
    before: ComparedSideOut = Field(serialization_alias="from")
    after: ComparedSideOut = Field(serialization_alias="to")
    summary: str = Field(
        examples=["In stage 'onboarding', the wait behind 'send welcome' is 5 days instead of 3 days."]
    )
    changes: list[VersionChangeOut]
    text: str = Field(
        description="the same line by line, as YAML",
        examples=["--- version 1\n+++ version 2\n-wait: 3 days\n+wait: 5 days"],
    )


class PauseIn(BaseModel):
    """What is paused."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"stage": "onboarding", "reason": "wrong prices"}]}
    )

    stage: Key | None = Field(default=None, description="this stage alone; without it the whole journey")
    reason: str = Field(default="", max_length=200, description="kept in the audit log")


class ResumeIn(PauseIn):
    """What goes on, and what becomes of the mails that are overdue."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"late": "skip"}, {"stage": "onboarding", "late": "send"}]}
    )

    late: Late | None = Field(
        default=None,
        description="send: at once; skip: never; next_window: in the hours of its step; without it what its step says",
    )


class ArchiveIn(BaseModel):
    """What becomes of those who are under way."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"in_flight": "finish"}]})

    in_flight: Literal["finish", "exit"] = Field(default="finish", description="finish: to the end; exit: at once")


class Changed(BaseModel):
    """A change that goes on in the background."""

    operation: str | None = Field(description="the operation that carries it out, to watch", examples=["op_06h0ay4t1d"])


class JourneyChanged(JourneyOut, Changed):
    """The journey after the change, and the operation that brings it to those who are under way."""
