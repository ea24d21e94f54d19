"""The steps of the language. A step is a mapping with one verb (`send`, `wait`, …) and, if wanted, an `id`.

`VERBS` is the table from which the union of steps, the errors and the documentation are made.
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import (
    BeforeValidator,
    Discriminator,
    Field,
    JsonValue,
    Tag,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_core import PydanticCustomError

from journeys.language.experiments import WinnerRule
from journeys.language.hooks import Notify, Webhook
from journeys.language.words import (
    FORM,
    Attribute,
    Days,
    Duration,
    Elapsed,
    EventName,
    GuardText,
    Key,
    Late,
    Offset,
    Part,
    TimeOfDay,
    lasting,
)

VERBS: Mapping[str, str] = {
    "send": "plan one mail to the customer",
    "wait": "wait for a time, a local time of day, or a date of the customer's",
    "wait_for": "wait for an event, or for a guard to turn true",
    "branch": "take the first arm whose guard holds",
    "split": "divide customers by weight, for good",
    "set": "change attributes of the customer",
    "webhook": "call another system",
    "notify": "tell a colleague, by mail or webhook",
    "enroll": "start another journey for this customer",
    "go": "move to a stage",
    "exit": "end the enrollment",
}
"""Every verb, in the order in which it is told, and what it does."""


class SendWindow(Part):
    """Hours in the customer's own zone in which mail may go."""

    days: Days = "mon-sun"
    opens: TimeOfDay = Field(alias="from")
    closes: TimeOfDay = Field(alias="to")


class Send(Part):
    """One mail, from a template. `send_window: any` lifts the journey's window for this mail."""

    template: Key
    subject: str | None = Field(default=None, min_length=1, max_length=400)
    topic: Key | None = None
    transactional: bool = False
    expires: Elapsed | None = None
    late: Late | None = None
    send_window: SendWindow | Literal["any"] | None = None


class WaitUntil(Part):
    """Wait until a local time of day, on given weekdays."""

    until: TimeOfDay
    on: Days = "mon-sun"


class WaitUntilDate(Part):
    """Wait until a date held in an attribute, moved by `offset`, at a local time of day where one is given.

    `else` runs where the attribute is missing or cannot be read as a date; without it, one that can be is waited for.
    """

    until: Attribute
    offset: Offset | None = None
    at: TimeOfDay | None = None
    otherwise: list["Step"] = Field(default=[], alias="else")


class WaitFor(Part):
    """Wait for an event (with `when`), or for `when` alone to turn true; `else` runs when `up_to` has passed."""

    event: EventName | None = None
    when: GuardText | None = None
    up_to: Duration | None = None
    then: list["Step"] = []
    otherwise: list["Step"] = Field(default=[], alias="else")

    @model_validator(mode="after")
    def _for_something(self) -> "WaitFor":
        if self.event is None and self.when is None:
            raise PydanticCustomError("wait_for", "a wait_for names an event, a guard in when, or both")
        if self.event is None and self.when is not None:
            lasting(self.when)
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
        """The steps of the arm, whichever it is."""
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
    """Divides customers by weight; the same customer always gets the same variant. `winner` decides it."""

    id: Key
    variants: dict[Key, Variant] = Field(min_length=1)
    winner: Key | None = None
    decide: WinnerRule | None = None

    @field_validator("variants")
    @classmethod
    def _some_weight(cls, variants: dict[str, Variant]) -> dict[str, Variant]:
        if sum(variant.weight for variant in variants.values()) == 0:
            raise PydanticCustomError("weights", "the weights sum to 0; give at least one variant a weight")
        return variants

    @field_validator("winner")
    @classmethod
    def _winner_is_a_variant(cls, winner: str | None, info: ValidationInfo) -> str | None:
        if winner is not None and winner not in info.data.get("variants", {winner}):
            raise PydanticCustomError("winner", "the winner is none of the variants; name one of them")
        return winner


class Enroll(Part):
    """Another journey to start for the customer; `data` becomes the new enrollment's."""

    journey: Key
    data: dict[Key, JsonValue] = {}


class Identified(Part):
    """What every step may carry."""

    id: Key | None = None


def _short(field: str, part: Any) -> BeforeValidator:
    """Let `verb: text` stand for `verb: {field: text}`."""

    def lengthen(value: Any) -> Any:
        return {field: value} if isinstance(value, str) else value

    return BeforeValidator(lengthen, json_schema_input_type=str | part)


class SendStep(Identified):
    """Send a mail."""

    send: Annotated[Send, _short("template", Send)]


def _form_of_wait(value: Any) -> str:
    """Tell the forms of a wait apart, so that errors speak of the form that was used."""
    until = value.get("until") if isinstance(value, Mapping) else getattr(value, "until", None)
    if isinstance(until, str) and until.startswith("customer"):
        return FORM + "date"
    return FORM + ("until" if isinstance(value, Mapping | WaitUntil) else "duration")


class WaitStep(Identified):
    """Wait for a time."""

    wait: Annotated[
        Annotated[Duration, Tag(FORM + "duration")]
        | Annotated[WaitUntil, Tag(FORM + "until")]
        | Annotated[WaitUntilDate, Tag(FORM + "date")],
        Discriminator(_form_of_wait),
    ]


class WaitForStep(Identified):
    """Wait for something to happen."""

    wait_for: Annotated[WaitFor, _short("event", WaitFor)]


class BranchStep(Identified):
    """Go one way or another, by guards."""

    branch: list[Case] = Field(min_length=1)

    @field_validator("branch")
    @classmethod
    def _else_is_last(cls, cases: list[Case]) -> list[Case]:
        if any(case.condition is None for case in cases[:-1]):
            raise PydanticCustomError("branch_case", "else comes last, and once")
        return cases


class SplitStep(Identified):
    """Go one way or another, by chance that stays."""

    split: Split


class SetStep(Identified):
    """Give the customer attributes; null removes one, and `{cel: …}` computes one from what is known of them."""

    set: dict[Key, JsonValue] = Field(min_length=1)


class WebhookStep(Identified):
    """Call another system."""

    webhook: Annotated[Webhook, _short("url", Webhook)]


class NotifyStep(Identified):
    """Tell a colleague."""

    notify: Notify


class EnrollStep(Identified):
    """Start another journey for the customer."""

    enroll: Annotated[Enroll, _short("journey", Enroll)]


class GoStep(Identified):
    """Go to another stage."""

    go: str


class ExitStep(Identified):
    """End the enrollment, for this reason."""

    exit: Key | Literal[True]


def _verb(value: Any) -> str:
    """The tag of a step: its one verb, else a tag that no model has."""
    if isinstance(value, Identified):
        return FORM + next(name for name in type(value).model_fields if name in VERBS)
    verbs = [key for key in value if key in VERBS] if isinstance(value, Mapping) else []
    return FORM + verbs[0] if len(verbs) == 1 else FORM


Step = Annotated[
    Annotated[SendStep, Tag(FORM + "send")]
    | Annotated[WaitStep, Tag(FORM + "wait")]
    | Annotated[WaitForStep, Tag(FORM + "wait_for")]
    | Annotated[BranchStep, Tag(FORM + "branch")]
    | Annotated[SplitStep, Tag(FORM + "split")]
    | Annotated[SetStep, Tag(FORM + "set")]
    | Annotated[WebhookStep, Tag(FORM + "webhook")]
    | Annotated[NotifyStep, Tag(FORM + "notify")]
    | Annotated[EnrollStep, Tag(FORM + "enroll")]
    | Annotated[GoStep, Tag(FORM + "go")]
    | Annotated[ExitStep, Tag(FORM + "exit")],
    Discriminator(
        _verb,
        custom_error_type="step_verb",
        custom_error_message="a step is a mapping with exactly one verb",
    ),
]
"""Any step, told by its verb."""


for _model in (WaitUntilDate, WaitFor, Case, Variant):
    _model.model_rebuild()
