"""A journey as the machine runs it: a flat graph of nodes with stable ids, so that a position is data.

A node's `next` is None where the steps of the stage run out and the customer rests there. `compiler` makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time
from typing import Any, Literal, NewType

from journeys.facts import guards
from journeys.facts.calendar import LocalTime, Span
from journeys.language.secrets import NamedSecret
from journeys.program.send_terms import SendTerms

NodeId = NewType("NodeId", str)
"""The id of a step within its journey, stable over versions: what somebody stands at."""

StageKey = NewType("StageKey", str)
GuardId = NewType("GuardId", str)

Digest = NewType("Digest", str)
"""The first 32 hex digits of a canonical definition's SHA-256: it names a program for ever."""

SEGMENT_JOINED, DATE_REACHED = "Segment Joined", "Date Reached"
"""Events that the product makes, and triggers hear."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SendNode:
    """One mail of a template, with a subject of its own (None: the template's), on these terms."""

    id: NodeId
    template: str
    subject: str | None
    terms: SendTerms
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DateOf:
    """A date held in an attribute, moved by an offset (direction and span), at a local time where one is given."""

    attribute: str
    offset: tuple[int, Span] | None = None
    at: time | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitNode:
    """A wait: for so long, for a local time, or for a date of the customer."""

    id: NodeId
    how: Span | LocalTime | DateOf
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitForNode:
    """Without `event`, the guard alone is waited for; `reads` are the events that can turn it true."""

    id: NodeId
    event: str | None
    guard: GuardId | None
    reads: frozenset[str]
    up_to: Span | None
    then: NodeId | None
    otherwise: NodeId | None
    next: NodeId | None

    def hears(self, name: str) -> bool:
        """Whether this event can end the wait."""
        return self.event == name if self.event is not None else is_heard(self.reads, name)


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchArm:
    """One way out of a branch; without a guard, the `else`."""

    guard: GuardId | None
    target: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchNode:
    """The first arm whose guard holds is taken; where none does, the customer goes on behind the branch."""

    id: NodeId
    arms: tuple[BranchArm, ...]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitVariant:
    """One way out of a split, in proportion to its weight; a holdout gets no mail of it, and goes on."""

    name: str
    weight: int
    holdout: bool
    target: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitNode:
    """Customers divided by a hash of theirs with `key`, which stays when the journey is edited."""

    id: NodeId
    key: str
    variants: tuple[SplitVariant, ...]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNode:
    """Attributes to give the customer; null removes one."""

    id: NodeId
    attributes: Mapping[str, Any]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WebhookNode:
    """A call to another system; texts within `headers` and `body` are templates.

    Without a body it says who is where (None).
    """

    id: NodeId
    url: str | NamedSecret
    method: str
    headers: Mapping[str, str | NamedSecret]
    body: Any
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NotifyNode:
    """A note to a colleague, to an `email` or a `url`; `subject` and `text` are templates."""

    id: NodeId
    email: str | None
    url: str | NamedSecret | None
    subject: str | None
    text: str
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EnrollNode:
    """Another journey to start for the customer, with `data`."""

    id: NodeId
    journey: str
    data: Mapping[str, Any]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GoNode:
    """On to a stage. Mail of the stage that is left goes all the same."""

    id: NodeId
    stage: StageKey
    next: NodeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ExitNode:
    """The end of the enrollment, for this reason."""

    id: NodeId
    reason: str
    next: NodeId | None = None


Node = (
    SendNode
    | WaitNode
    | WaitForNode
    | BranchNode
    | SplitNode
    | SetNode
    | WebhookNode
    | NotifyNode
    | EnrollNode
    | GoNode
    | ExitNode
)
"""A step as the machine runs it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    """By an event of this name."""

    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    """By the time that was spent in the stage."""

    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactive:
    """By the time since the last event named `of`; where there was none, since the enrollment was entered."""

    span: Span
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class When:
    """By guard alone; `reads` are the events that can turn it true."""

    reads: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramTransition:
    """An edge between stages, with what sets it off and the guard it asks."""

    cause: OnEvent | After | Inactive | When
    guard: GuardId | None
    to: StageKey

    def hears(self, name: str) -> bool:
        """Whether this event can set it off."""
        match self.cause:
            case OnEvent(event=event):
                return event == name
            case When(reads=reads):
                return is_heard(reads, name)
            case _:
                return False


def is_heard(reads: frozenset[str], name: str) -> bool:
    """Whether an event of this name is among what is read; ANY_EVENT reads them all."""
    return name in reads or guards.ANY_EVENT in reads


@dataclass(frozen=True, slots=True, kw_only=True)
class EventTrigger:
    """An event (trigger or journey-wide exit) with its guard, and the properties that it must have."""

    event: str
    guard: GuardId | None
    given: Mapping[str, str] = field(default_factory=dict[str, str])

    def hears(self, event: str, properties: Mapping[str, Any]) -> bool:
        """Whether it listens to this very event: its name, and (of a segment or date) which one."""
        return self.event == event and all(properties.get(name) == value for name, value in self.given.items())


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramGoal:
    """An event (with a guard) that counts as a success; the last mail within so long before it is credited."""

    event: str
    guard: GuardId | None
    within: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class DateTrigger:
    """When `date` is reached the event DATE_REACHED lets the customer in, with `name` as its property `trigger`."""

    name: str
    date: DateOf
    yearly: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduleTrigger:
    """At each of these local times the members of `segment` enter. `day` (of the month) is None for weekdays."""

    name: str
    segment: str
    time: LocalTime
    day: int | None
    timezone: str | None
    guard: GuardId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ProgramStage:
    """A stage: its first node (None where it has no steps), and the ways out, in the order in which they are tried."""

    key: StageKey
    first: NodeId | None
    transitions: tuple[ProgramTransition, ...]
    final: bool

    @property
    def activity_watched(self) -> tuple[str, ...]:
        """The events whose absence can move somebody out of this stage."""
        return tuple(dict.fromkeys(t.cause.of for t in self.transitions if isinstance(t.cause, Inactive)))

    @property
    def by_guard(self) -> list[ProgramTransition]:
        """The transitions by guard alone, in the order written."""
        return [one for one in self.transitions if isinstance(one.cause, When)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What `machine.advance` runs."""

    journey: str
    digest: Digest
    timezone: str | None
    reentry: Literal["never", "after_exit", "always"] | Span
    key: str | None
    priority: int
    goal: ProgramGoal | None
    dates: tuple[DateTrigger, ...]
    schedules: tuple[ScheduleTrigger, ...]
    start: StageKey
    triggers: tuple[EventTrigger, ...]
    exits: tuple[EventTrigger, ...]
    stages: Mapping[StageKey, ProgramStage]
    nodes: Mapping[NodeId, Node]
    guards: Mapping[GuardId, str] = field(repr=False)
