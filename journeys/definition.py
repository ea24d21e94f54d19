"""The journey language: one definition, as JSON or YAML, checked field by field.

Shape is decided here, meaning in `lint`. A step is a mapping with one verb (`send`, `wait`, …) and, if wanted, an `id`.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any, Literal, LiteralString

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from journeys import calendar, guards

VERBS = ("send", "wait", "wait_for", "branch", "split", "set", "go", "exit")
TAG = "step:"
LARGEST_STAGE = 2_000


def _checked(check: Any, code: LiteralString) -> AfterValidator:
    """A validator that keeps the text and reports what `check` says of it."""

    def validate(text: Any) -> Any:
        try:
            check(text)
        except ValueError as error:
            raise PydanticCustomError(code, "{reason}", {"reason": str(error)}) from None
        return text

    return AfterValidator(validate)


def _elapsed(text: str) -> None:
    if calendar.parse_span(text).needs_zone:
        raise ValueError(f"{text!r} depends on a calendar; this deadline is elapsed time, such as 30 days")


def _zone(text: str) -> None:
    if not calendar.is_zone(text):
        raise ValueError(f'{text!r} is not an IANA time zone, such as "Europe/Berlin"')


Key = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
EventName = Annotated[str, Field(min_length=1, max_length=200)]
GuardText = Annotated[str, _checked(guards.check, "guard")]
Duration = Annotated[str, _checked(calendar.parse_span, "duration")]
Elapsed = Annotated[str, _checked(_elapsed, "duration")]
TimeOfDay = Annotated[str, _checked(calendar.parse_time, "time_of_day")]
Days = Annotated[str | list[str], _checked(calendar.parse_days, "weekday")]
Late = Literal["send", "skip", "next_window"]


class Part(BaseModel):
    """Any mapping of the language: unknown fields are errors, never ignored."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class SendWindow(Part):
    """Hours in the customer's own zone in which mail may go."""

    days: Days = "mon-sun"
    opens: TimeOfDay = Field(alias="from")
    closes: TimeOfDay = Field(alias="to")


class Trigger(Part):
    """Lets a customer in when an event arrives and its guard holds."""

    on: EventName
    when: GuardText | None = None


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


class Transition(Part):
    """A way from this stage to another: by event, after a time in the stage, or after inactivity."""

    on: EventName | None = None
    after: Elapsed | None = None
    inactive: Elapsed | None = None
    of: EventName | None = None
    when: GuardText | None = None
    to: str

    @model_validator(mode="after")
    def _one_cause(self) -> "Transition":
        causes = [name for name in ("on", "after", "inactive") if getattr(self, name) is not None]
        if len(causes) != 1:
            raise PydanticCustomError("transition_cause", "a transition has exactly one of on, after, inactive")
        if (self.inactive is None) != (self.of is None):
            raise PydanticCustomError("transition_cause", "inactive and of go together: {inactive: 90 days, of: EVENT}")
        return self


class Send(Part):
    """One mail, from a template."""

    template: Key
    subject: str | None = Field(default=None, min_length=1, max_length=400)
    topic: Key | None = None
    transactional: bool = False
    expires: Elapsed | None = None
    late: Late | None = None


class WaitUntil(Part):
    """Wait until a local time of day, on given weekdays."""

    until: TimeOfDay
    on: Days = "mon-sun"


class WaitFor(Part):
    """Wait for an event; `then` runs when it comes, `else` when `up_to` has passed."""

    event: EventName
    when: GuardText | None = None
    up_to: Duration | None = None
    then: list["Step"] = []
    otherwise: list["Step"] = Field(default=[], alias="else")

    @model_validator(mode="after")
    def _else_needs_up_to(self) -> "WaitFor":
        if self.otherwise and self.up_to is None:
            raise PydanticCustomError("wait_for", "else needs up_to, or it would never run")
        return self


class Case(Part):
    """One arm of a branch: `if` and `then`, or `else`."""

    condition: GuardText | None = Field(default=None, alias="if")
    then: list["Step"] | None = None
    otherwise: list["Step"] | None = Field(default=None, alias="else")

    @model_validator(mode="after")
    def _if_or_else(self) -> "Case":
        if (self.condition is None) == (self.otherwise is None) or (self.condition is None) != (self.then is None):
            raise PydanticCustomError("branch_case", "a case is {if: GUARD, then: STEPS} or {else: STEPS}")
        return self

    @property
    def steps(self) -> list["Step"]:
        return self.then or self.otherwise or []


class Variant(Part):
    """One arm of a split. A holdout gets no mail; the path goes on behind the split."""

    weight: int = Field(ge=0, le=1_000_000)
    holdout: bool = False
    steps: list["Step"] = []

    @model_validator(mode="after")
    def _holdout_is_empty(self) -> "Variant":
        if self.holdout and self.steps:
            raise PydanticCustomError("holdout", "a holdout has no steps; remove them, or remove holdout")
        return self


class Split(Part):
    """Divides customers by weight; the same customer always gets the same variant."""

    id: Key
    variants: dict[Key, Variant] = Field(min_length=1)

    @field_validator("variants")
    @classmethod
    def _some_weight(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        if sum(variant.weight for variant in variants.values()) == 0:
            raise PydanticCustomError("weights", "the weights sum to 0; give at least one variant a weight")
        return variants


class Identified(Part):
    """What every step may carry."""

    id: Key | None = None


def _short(field: str) -> BeforeValidator:
    """Let `verb: text` stand for `verb: {field: text}`."""
    return BeforeValidator(lambda value: {field: value} if isinstance(value, str) else value)


class SendStep(Identified):
    send: Annotated[Send, _short("template")]


def _form_of_wait(value: Any) -> str:
    """Tell the two forms of a wait apart, so that errors speak of the form that was used."""
    return TAG + ("until" if isinstance(value, Mapping | WaitUntil) else "duration")


class WaitStep(Identified):
    wait: Annotated[
        Annotated[Duration, Tag(TAG + "duration")] | Annotated[WaitUntil, Tag(TAG + "until")],
        Discriminator(_form_of_wait),
    ]


class WaitForStep(Identified):
    wait_for: Annotated[WaitFor, _short("event")]


class BranchStep(Identified):
    branch: list[Case] = Field(min_length=1)

    @field_validator("branch")
    @classmethod
    def _else_is_last(cls, cases: list[Case]) -> list[Case]:
        if any(case.condition is None for case in cases[:-1]):
            raise PydanticCustomError("branch_case", "else comes last, and once")
        return cases


class SplitStep(Identified):
    split: Split


class SetStep(Identified):
    set: dict[Key, JsonValue] = Field(min_length=1)


class GoStep(Identified):
    go: str


class ExitStep(Identified):
    exit: Key | Literal[True]


def _verb(value: Any) -> str:
    """The tag of a step: its one verb, else a tag that no model has."""
    if isinstance(value, Identified):
        return TAG + next(name for name in type(value).model_fields if name in VERBS)
    verbs = [key for key in value if key in VERBS] if isinstance(value, Mapping) else []
    return TAG + verbs[0] if len(verbs) == 1 else TAG


Step = Annotated[
    Annotated[SendStep, Tag(TAG + "send")]
    | Annotated[WaitStep, Tag(TAG + "wait")]
    | Annotated[WaitForStep, Tag(TAG + "wait_for")]
    | Annotated[BranchStep, Tag(TAG + "branch")]
    | Annotated[SplitStep, Tag(TAG + "split")]
    | Annotated[SetStep, Tag(TAG + "set")]
    | Annotated[GoStep, Tag(TAG + "go")]
    | Annotated[ExitStep, Tag(TAG + "exit")],
    Discriminator(
        _verb,
        custom_error_type="step_verb",
        custom_error_message="a step is a mapping with exactly one verb: " + ", ".join(VERBS),
    ),
]


class Stage(Part):
    """A state of the lifecycle: steps run in order, transitions pre-empt them."""

    steps: list[Step] = Field(default=[], max_length=LARGEST_STAGE)
    transitions: list[Transition] = Field(default=[], max_length=200)
    final: bool = False


class Journey(Part):
    """A whole definition."""

    journey: Key
    name: str | None = Field(default=None, max_length=200)
    lifecycle: bool = False
    priority: int = Field(default=3, ge=1, le=5)
    timezone: Annotated[str, _checked(_zone, "zone")] | None = None
    enter: list[Trigger] = []
    reentry: Literal["never", "after_exit", "always"] | ReentryAfter = "never"
    exit: list[Exit] = []
    goal: Goal | None = None
    defaults: Defaults = Defaults()
    start: str
    stages: dict[Key, Stage] = Field(min_length=1, max_length=200)

    def canonical(self) -> str:
        """The definition as one line of JSON, the same however it was written; what `digest` is taken of."""
        shown = self.model_dump(mode="json", by_alias=True, exclude_unset=True)
        return json.dumps(shown, sort_keys=False, separators=(",", ":"), ensure_ascii=False)

    def digest(self) -> str:
        """Names this very definition: the first 32 hex digits of its SHA-256."""
        return hashlib.sha256(self.canonical().encode()).hexdigest()[:32]


for _model in (WaitFor, Case, Variant, Stage, Journey):
    _model.model_rebuild()
