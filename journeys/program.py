"""A definition compiled to a flat graph: nodes with stable ids, so that a position is data.

A step's id is its `id`, else `stage/verb:name`, with `#2`, `#3` for its further occurrences; never its position.
A node's `next` is None where the steps of the stage run out and the customer rests there.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any, Literal, NewType, assert_never

from journeys import calendar
from journeys import definition as source
from journeys.calendar import LocalTime, Span, Window

NodeId = NewType("NodeId", str)
StageKey = NewType("StageKey", str)
GuardId = NewType("GuardId", str)
Digest = NewType("Digest", str)
Late = Literal["send", "skip", "next_window"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Send:
    id: NodeId
    template: str
    subject: str | None
    topic: str | None
    transactional: bool
    expires: Span | None
    late: Late
    window: Window | None
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Wait:
    id: NodeId
    how: Span | LocalTime
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitFor:
    id: NodeId
    event: str
    guard: GuardId | None
    up_to: Span | None
    then: NodeId | None
    otherwise: NodeId | None
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Arm:
    """One way out of a branch; without a guard, the `else`."""

    guard: GuardId | None
    target: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    id: NodeId
    arms: tuple[Arm, ...]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Variant:
    name: str
    weight: int
    holdout: bool
    target: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    id: NodeId
    key: str
    variants: tuple[Variant, ...]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Set:
    id: NodeId
    attributes: Mapping[str, Any]
    next: NodeId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Go:
    id: NodeId
    stage: StageKey
    next: NodeId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Exit:
    id: NodeId
    reason: str
    next: NodeId | None = None


Node = Send | Wait | WaitFor | Branch | Split | Set | Go | Exit


@dataclass(frozen=True, slots=True, kw_only=True)
class OnEvent:
    event: str


@dataclass(frozen=True, slots=True, kw_only=True)
class After:
    span: Span


@dataclass(frozen=True, slots=True, kw_only=True)
class Inactive:
    span: Span
    of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """An edge between stages, with what sets it off and the guard it asks."""

    cause: OnEvent | After | Inactive
    guard: GuardId | None
    to: StageKey


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrance:
    """An event (trigger or journey-wide exit) with its guard."""

    event: str
    guard: GuardId | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stage:
    key: StageKey
    first: NodeId | None
    transitions: tuple[Transition, ...]
    final: bool

    @property
    def activity_watched(self) -> tuple[str, ...]:
        """The events whose absence can move somebody out of this stage."""
        return tuple(dict.fromkeys(t.cause.of for t in self.transitions if isinstance(t.cause, Inactive)))


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What `machine.advance` runs."""

    journey: str
    digest: Digest
    timezone: str | None
    reentry: Literal["never", "after_exit", "always"] | Span
    start: StageKey
    triggers: tuple[Entrance, ...]
    exits: tuple[Entrance, ...]
    stages: Mapping[StageKey, Stage]
    nodes: Mapping[NodeId, Node]
    guards: Mapping[GuardId, str] = field(repr=False)


def compile_journey(journey: source.Journey) -> Program:
    """Turn a valid definition into its program."""
    return _Compiler(journey).program()


@lru_cache(maxsize=512)
def load(canonical: str) -> Program:
    """The program of a canonical definition, compiled once per process."""
    return compile_journey(source.Journey.model_validate_json(canonical))


class _Compiler:
    """Lays steps out as nodes, from the last to the first, so that each knows where it goes next."""

    def __init__(self, journey: source.Journey) -> None:
        self.journey = journey
        self.nodes: dict[NodeId, Node] = {}
        self.guards: dict[GuardId, str] = {}
        self.ids = name_steps(journey)

    def program(self) -> Program:
        journey = self.journey
        stages = {StageKey(key): self._stage(StageKey(key), stage) for key, stage in journey.stages.items()}
        return Program(
            journey=journey.journey,
            digest=Digest(journey.digest()),
            timezone=journey.timezone,
            reentry=_reentry(journey.reentry),
            start=StageKey(journey.start),
            triggers=self._entrances("enter", journey.enter),
            exits=self._entrances("exit", journey.exit),
            stages=stages,
            nodes=self.nodes,
            guards=self.guards,
        )

    def _entrances(self, kind: str, rules: Sequence[source.Trigger | source.Exit]) -> tuple[Entrance, ...]:
        return tuple(
            Entrance(event=rule.on, guard=self._guard(f"{kind}[{index}]", rule.when))
            for index, rule in enumerate(rules)
        )

    def _stage(self, key: StageKey, stage: source.Stage) -> Stage:
        transitions = tuple(self._transition(key, index, one) for index, one in enumerate(stage.transitions))
        return Stage(key=key, first=self._steps(stage.steps, None), transitions=transitions, final=stage.final)

    def _transition(self, stage: StageKey, index: int, one: source.Transition) -> Transition:
        cause: OnEvent | After | Inactive
        if one.on is not None:
            cause = OnEvent(event=one.on)
        elif one.after is not None:
            cause = After(span=calendar.parse_span(one.after))
        else:
            assert one.inactive is not None
            assert one.of is not None
            cause = Inactive(span=calendar.parse_span(one.inactive), of=one.of)
        guard = self._guard(f"{stage}/transition[{index}]", one.when)
        return Transition(cause=cause, guard=guard, to=StageKey(one.to))

    def _steps(self, steps: Sequence[source.Step], after: NodeId | None) -> NodeId | None:
        for step in reversed(steps):
            node = self._node(NodeId(self.ids[id(step)]), step, after)
            self.nodes[node.id] = node
            after = node.id
        return after

    def _node(self, node: NodeId, step: source.Step, after: NodeId | None) -> Node:
        match step:
            case source.SendStep():
                return self._send(node, step.send, after)
            case source.WaitStep():
                return Wait(id=node, how=_how(step.wait), next=after)
            case source.WaitForStep():
                return self._wait_for(node, step.wait_for, after)
            case source.BranchStep():
                arms = tuple(self._arm(node, index, case, after) for index, case in enumerate(step.branch))
                return Branch(id=node, arms=arms, next=after)
            case source.SplitStep():
                variants = tuple(self._variant(name, one, after) for name, one in step.split.variants.items())
                return Split(id=node, key=step.split.id, variants=variants, next=after)
            case source.SetStep():
                return Set(id=node, attributes=step.set, next=after)
            case source.GoStep():
                return Go(id=node, stage=StageKey(step.go))
            case source.ExitStep():
                return Exit(id=node, reason="exited" if step.exit is True else step.exit)
            case _:
                assert_never(step)

    def _send(self, node: NodeId, send: source.Send, after: NodeId | None) -> Send:
        defaults = self.journey.defaults
        return Send(
            id=node,
            template=send.template,
            subject=send.subject,
            topic=send.topic or defaults.topic,
            transactional=send.transactional,
            expires=calendar.parse_span(send.expires) if send.expires else None,
            late=send.late or defaults.late or "next_window",
            window=None if send.transactional or defaults.send_window is None else _window(defaults.send_window),
            next=after,
        )

    def _wait_for(self, node: NodeId, wait: source.WaitFor, after: NodeId | None) -> WaitFor:
        return WaitFor(
            id=node,
            event=wait.event,
            guard=self._guard(str(node), wait.when),
            up_to=calendar.parse_span(wait.up_to) if wait.up_to else None,
            then=self._steps(wait.then, after),
            otherwise=self._steps(wait.otherwise, after),
            next=after,
        )

    def _arm(self, node: NodeId, index: int, case: source.Case, after: NodeId | None) -> Arm:
        guard = self._guard(f"{node}[{index}]", case.condition)
        return Arm(guard=guard, target=self._steps(case.steps, after))

    def _variant(self, name: str, variant: source.Variant, after: NodeId | None) -> Variant:
        target = self._steps(variant.steps, after)
        return Variant(name=name, weight=variant.weight, holdout=variant.holdout, target=target)

    def _guard(self, name: str, text: str | None) -> GuardId | None:
        if text is None:
            return None
        self.guards[GuardId(name)] = text
        return GuardId(name)


def _reentry(rule: str | source.ReentryAfter) -> Any:
    return calendar.parse_span(rule.after) if isinstance(rule, source.ReentryAfter) else rule


def _how(wait: str | source.WaitUntil) -> Span | LocalTime:
    if isinstance(wait, str):
        return calendar.parse_span(wait)
    return LocalTime(at=calendar.parse_time(wait.until), days=calendar.parse_days(wait.on))


def _window(window: source.SendWindow) -> Window:
    opens, closes = calendar.parse_time(window.opens), calendar.parse_time(window.closes)
    return Window(opens=opens, closes=closes, days=calendar.parse_days(window.days))


def name_steps(journey: source.Journey) -> dict[int, str]:
    """The id of every step, keyed by the identity of the step's object."""
    names: dict[int, str] = {}
    seen: dict[str, int] = {}
    for key, stage in journey.stages.items():
        for step in walk(stage.steps):
            if step.id is not None:
                names[id(step)] = step.id
                continue
            name = f"{key}/{_title(step)}"
            seen[name] = seen.get(name, 0) + 1
            names[id(step)] = name if seen[name] == 1 else f"{name}#{seen[name]}"
    return names


def walk(steps: Sequence[source.Step]) -> list[source.Step]:
    """Every step, those inside others included, in the order written."""
    found: list[source.Step] = []
    for step in steps:
        found.append(step)
        for inner in inside(step):
            found.extend(walk(inner))
    return found


def inside(step: source.Step) -> list[list[source.Step]]:
    """The lists of steps that a step holds."""
    match step:
        case source.WaitForStep():
            return [step.wait_for.then, step.wait_for.otherwise]
        case source.BranchStep():
            return [case.steps for case in step.branch]
        case source.SplitStep():
            return [variant.steps for variant in step.split.variants.values()]
        case _:
            return []


def _title(step: source.Step) -> str:
    match step:
        case source.SendStep():
            return f"send:{step.send.template}"
        case source.WaitForStep():
            return f"wait_for:{step.wait_for.event}"
        case source.SplitStep():
            return f"split:{step.split.id}"
        case source.GoStep():
            return f"go:{step.go}"
        case source.WaitStep():
            return f"wait:{step.wait if isinstance(step.wait, str) else step.wait.until}"
        case source.BranchStep():
            return "branch"
        case source.SetStep():
            return "set"
        case source.ExitStep():
            return "exit"
        case _:
            assert_never(step)
