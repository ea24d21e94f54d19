"""A journey as the machine runs it: a flat graph of `nodes` with stable ids, so that a position is data.

Stages, transitions, triggers, the goal, and the program that holds them all; `compiler` makes it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NewType

from journeys.facts.calendar import LocalTime, Span
from journeys.program.nodes import DateOf, GuardId, Node, NodeId, SendNode, StageKey, is_heard, leads_to

Digest = NewType("Digest", str)
"""The first 32 hex digits of a canonical definition's SHA-256: it names a program for ever."""

SEGMENT_JOINED, DATE_REACHED = "Segment Joined", "Date Reached"
"""Events that the product makes, and triggers hear."""


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
    """A stage: its first node (None where it has no steps), and the ways out, in the order in which they are tried.

    Who is in one that is not `mailable` gets transactional mail alone, of this journey and of every other.
    """

    key: StageKey
    first: NodeId | None
    transitions: tuple[ProgramTransition, ...]
    final: bool
    mailable: bool = True

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
    templates_are_pinned: bool = False
    variants: Mapping[NodeId, str] = field(default_factory=dict[NodeId, str])
    """Of the steps within a variant of a split, `split/variant`; of a split within another the inner one's."""

    @property
    def templates(self) -> frozenset[str]:
        """Every template that it sends."""
        return frozenset(one.template for one in self.nodes.values() if isinstance(one, SendNode))

    def steps_of(self, stage: StageKey) -> frozenset[NodeId]:
        """The steps of a stage, those within others included."""
        first, found = self.stages[stage].first, set[NodeId]()
        ahead = [first] if first is not None else []
        while ahead:
            node = ahead.pop()
            if node not in found:
                found.add(node)
                ahead += leads_to(self.nodes[node])
        return frozenset(found)
