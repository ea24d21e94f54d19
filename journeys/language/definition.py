"""The journey language: one definition, as JSON or YAML, checked field by field.

Shape is decided here (steps in `verbs`, scalars in `words`), meaning in `lint`.
"""

import hashlib
import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Literal

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from journeys.language.verbs import SendWindow, Step
from journeys.language.words import (
    Attribute,
    Days,
    Elapsed,
    EventName,
    GuardText,
    Key,
    KeyPath,
    Late,
    Offset,
    Part,
    TimeOfDay,
    Zone,
    lasting,
)

LARGEST_STAGE = 2_000
"""Steps of one stage: many times what the map can show."""

TRIGGERS: Mapping[str, str] = {
    "on": "an event arrives",
    "segment": "the customer joins a segment",
    "date": "a date held in an attribute is reached, moved by `offset`; with `every: year` each year again",
    "schedule": "a time of the week or month comes, for each member of `segment`",
}
"""What can let a customer in, and when it does."""


class Schedule(Part):
    """A time that comes again: a local time of day, on weekdays or on one day of the month."""

    at: TimeOfDay
    on: Days | None = None
    day: int | None = Field(default=None, ge=1, le=28)
    timezone: Zone | None = None

    @model_validator(mode="after")
    def _one_rhythm(self) -> "Schedule":
        if self.on is not None and self.day is not None:
            raise PydanticCustomError("schedule", "a schedule has on (weekdays) or day (of the month), not both")
        return self


class Trigger(Part):
    """Lets a customer in: on an event, on joining a segment, on a date, or by schedule; where its guard holds."""

    on: EventName | None = None
    segment: Key | None = None
    date: Attribute | None = None
    offset: Offset | None = None
    at: TimeOfDay | None = None
    every: Literal["year"] | None = None
    schedule: Schedule | None = None
    when: GuardText | None = None

    @model_validator(mode="after")
    def _one_form(self) -> "Trigger":
        forms = [name for name in ("on", "date", "schedule") if getattr(self, name) is not None]
        if self.segment is not None and self.schedule is None:
            forms.append("segment")
        if len(forms) != 1:
            raise PydanticCustomError("trigger_form", "a trigger has exactly one of on, segment, date, schedule")
        if self.schedule is not None and self.segment is None:
            raise PydanticCustomError("trigger_form", "a schedule needs the segment whose members it lets in")
        if self.date is None and (self.offset or self.at or self.every):
            raise PydanticCustomError("trigger_form", "offset, at and every belong to a date")
        return self


class Exit(Part):
    """Ends the enrollment wherever it is."""

    on: EventName
    when: GuardText | None = None


class Goal(Part):
    """The conversion to record, credited to the last accepted message within `within`."""

    on: EventName
    within: Elapsed
    when: GuardText | None = None


class ReentryAfter(Part):
    """Entry again once this time has passed since the last run ended."""

    after: Elapsed


class Defaults(Part):
    """What a send takes where it says nothing itself."""

    topic: Key | None = None
    send_window: SendWindow | None = None
    late: Late | None = None


TRANSITIONS: Mapping[str, str] = {
    "on": "the event arrives",
    "after": "this time has passed since the customer entered the stage",
    "inactive": "this time has passed since the last event named in `of`, else since entering the journey",
    "when": "the guard alone: it holds on entering the stage, or turns true later",
}
"""What can move a customer, and when it does."""


class Transition(Part):
    """A way from this stage to another: by event, after a time in the stage, after inactivity, or by guard alone."""

    on: EventName | None = None
    after: Elapsed | None = None
    inactive: Elapsed | None = None
    of: EventName | None = None
    when: GuardText | None = None
    to: str

    @model_validator(mode="after")
    def _one_cause(self) -> "Transition":
        causes = [name for name in ("on", "after", "inactive") if getattr(self, name) is not None]
        if len(causes) > 1 or not (causes or self.when):
            message = "a transition has exactly one of on, after, inactive, or a guard alone in when"
            raise PydanticCustomError("transition_cause", message)
        if (self.inactive is None) != (self.of is None):
            raise PydanticCustomError("transition_cause", "inactive and of go together: {inactive: 90 days, of: EVENT}")
        if not causes:
            lasting(self.when or "")
        return self


PHASES: Mapping[str, str] = {
    "awareness": "they know of you, and have not begun",
    "engagement": "they try, look, sign up",
    "conversion": "they buy, or pay, for the first time",
    "retention": "they come back",
    "loyalty": "they are your best",
    "lapsed": "they have been away for longer than usual",
    "inactive": "they are gone, for now",
}
"""Where on the way a stage stands, whatever a journey calls it: what reports of several journeys have in common."""

LifecyclePhase = Literal["awareness", "engagement", "conversion", "retention", "loyalty", "lapsed", "inactive"]


class Stage(Part):
    """A state of the lifecycle: steps run in order, transitions pre-empt them.

    Who is in a stage with `mailable: false` gets transactional mail alone, whatever journey or broadcast wants more.
    """

    label: str | None = Field(default=None, min_length=1, max_length=200)
    phase: LifecyclePhase | None = None
    mailable: bool = True
    steps: list[Step] = Field(default=[], max_length=LARGEST_STAGE)
    transitions: list[Transition] = Field(default=[], max_length=200)
    final: bool = False


class Definition(Part):
    """A whole definition."""

    journey: Key
    name: str | None = Field(default=None, max_length=200)
    lifecycle: bool = False
    priority: int = Field(default=3, ge=1, le=5)
    timezone: Zone | None = None
    enter: list[Trigger] = Field(default=[], max_length=100)
    key: KeyPath | None = None
    reentry: Literal["never", "after_exit", "always"] | ReentryAfter = "never"
    exit: list[Exit] = Field(default=[], max_length=100)
    goal: Goal | None = None
    defaults: Defaults = Defaults()
    templates: Literal["latest", "pinned"] = "latest"
    start: str
    stages: dict[Key, Stage] = Field(min_length=1, max_length=200)

    def canonical(self) -> str:
        """The definition as one line of JSON, the same however it was written; what `digest` is taken of."""
        shown = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps(shown, sort_keys=False, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """Names this very definition: the first 32 hex digits of its SHA-256."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:32]


@lru_cache(maxsize=64)
def parsed(canonical: str) -> Definition:
    """The definition of a version as it is kept (`Definition.canonical`), parsed once per process where asked often.

    Few are kept, since one takes 15 to 30 times the room of its text. Raise ValueError where this build cannot read it.
    """
    return Definition.model_validate_json(canonical)


def json_schema() -> dict[str, Any]:
    """The language as a JSON Schema (2020-12), made from these classes, so that editors complete and check."""
    schema = Definition.model_json_schema(by_alias=True, mode="validation")
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:waypost:schema:journey",
        "title": "A Waypost journey",
    }
    return {**head, **{name: part for name, part in schema.items() if name != "title"}}
