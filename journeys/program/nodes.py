"""The steps of a program: nodes with stable ids, each of which names the next.

A node's `next` is None where the steps of the stage run out and the customer rests there.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import time, timedelta
from typing import Any, Literal, NewType

from journeys.facts import guards
from journeys.facts.calendar import LocalTime, Span
from journeys.language.secrets import NamedSecret
from journeys.program.send_terms import SendTerms

NodeId = NewType("NodeId", str)
"""The id of a step within its journey, stable over versions: what somebody stands at."""

StageKey = NewType("StageKey", str)
GuardId = NewType("GuardId", str)


def is_heard(reads: frozenset[str], name: str) -> bool:
    """Whether an event of this name is among what is read; ANY_EVENT reads them all."""
    return name in reads or guards.ANY_EVENT in reads


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
    """A wait: for so long, for a local time, or for a date of the customer.

    `otherwise` is the way where there is no such date, or none that can be read; None waits for one.
    """

    id: NodeId
    how: Span | LocalTime | DateOf
    next: NodeId | None
    otherwise: NodeId | None = None

    def hears(self, name: str) -> bool:
        """Whether this event can move its end: a date and the zone of a local time are told by the profile."""
        return isinstance(self.how, DateOf | LocalTime) and name in guards.PROFILE_EVENTS


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
class DecideRule:
    """How a split decides itself: by the goal or its revenue, `after` so long at the earliest, and how sure."""

    by: Literal["conversion", "revenue"]
    after: timedelta
    confidence: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SplitNode:
    """Customers divided among variants, once for all: `key` stays when the journey is edited.

    `winner` names the variant that everybody takes who comes to a split that is decided; None while it is not.
    """

    id: NodeId
    key: str
    variants: tuple[SplitVariant, ...]
    next: NodeId | None
    winner: str | None = None
    decide: DecideRule | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SetNode:
    """Attributes to give the customer; null removes one. `computed` are those that an expression gives, by name."""

    id: NodeId
    attributes: Mapping[str, Any]
    next: NodeId | None
    computed: Mapping[str, str] = field(default_factory=dict[str, str])


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


def leads_to(node: Node) -> list[NodeId]:
    """The steps that may come right behind a step, within its stage."""
    match node:
        case BranchNode(arms=arms):
            ways = [arm.target for arm in arms]
        case SplitNode(variants=variants):
            ways = [variant.target for variant in variants]
        case WaitForNode(then=then, otherwise=otherwise):
            ways = [then, otherwise]
        case WaitNode(otherwise=otherwise):
            ways = [otherwise]
        case _:
            ways = []
    return [one for one in (*ways, node.next) if one is not None]
