"""Whether two versions do the same from a place on while nothing happens: whoever stands there has the same ahead.

Ids, events and the names of stages may differ; the instants, guards, templates and terms may not.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from journeys.changes.ahead_of import is_done_ahead
from journeys.changes.layout import ways_of
from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import Standing
from journeys.machine.state import State
from journeys.program.nodes import (
    BranchNode,
    GoNode,
    Node,
    NodeId,
    SendNode,
    SetNode,
    SplitNode,
    StageKey,
    WaitForNode,
    WaitNode,
)
from journeys.program.program import OnEvent, Program, ProgramTransition

StageNames = Mapping[StageKey, StageKey]
"""What each stage that may be reached is called in the new version."""


def same_ahead(mapping: VersionMapping, standing: Standing, after: State) -> StageNames | None:
    """The stages ahead where both versions do the same from these states on, by themselves; None where they may not."""
    before = standing.state
    alike = (before.mode, before.until, before.due, before.awaits, before.visit, before.paused)
    if before.mode == "run" or alike != (after.mode, after.until, after.due, after.awaits, after.visit, after.paused):
        return None
    if _armed(mapping.old, before) != _armed(mapping.new, after):
        return None
    if is_done_ahead(mapping, standing, after):
        return None  # by their ids, which may differ
    return _from(mapping, StageKey(before.stage), before.position, StageKey(after.stage), after.position)


def _armed(program: Program, state: State) -> Sequence[Any]:
    """The deadlines, each by its place among the transitions that need no event."""
    if not state.deadlines:
        return ()
    by_event = [isinstance(one.cause, OnEvent) for one in program.stages[StageKey(state.stage)].transitions]
    return [(due.transition - sum(by_event[: due.transition]), due.at) for due in state.deadlines]


@lru_cache(maxsize=4_096)
def _from(
    mapping: VersionMapping, left: StageKey, at: str | None, stage: StageKey, step: str | None
) -> StageNames | None:
    walk = _Walk(mapping.old, mapping.new)
    same = mapping.old.timezone == mapping.new.timezone and walk.stays(left, stage)
    same = same and walk.runs(NodeId(at) if at else None, NodeId(step) if step else None)
    return walk.names if same else None


@dataclass(slots=True)
class _Walk:
    """Goes through both programs side by side; where it comes to a pair again, it is as it was found."""

    old: Program
    new: Program
    names: dict[StageKey, StageKey] = field(default_factory=dict[StageKey, StageKey])
    entered: set[StageKey] = field(default_factory=set[StageKey])
    met: set[tuple[NodeId, NodeId]] = field(default_factory=set[tuple[NodeId, NodeId]])

    def stays(self, one: StageKey, other: StageKey) -> bool:
        """Whether time leads out of both stages alike."""
        if one in self.names:
            return self.names[one] == other
        self.names[one] = other
        here, there = self.old.stages[one], self.new.stages[other]
        timed, others = (
            [way for way in stage.transitions if not isinstance(way.cause, OnEvent)] for stage in (here, there)
        )
        same = (here.final, here.mailable, len(timed)) == (there.final, there.mailable, len(others))
        return same and all(self._leads(way, twin) for way, twin in zip(timed, others, strict=True))

    def _leads(self, one: ProgramTransition, other: ProgramTransition) -> bool:
        guard = self.old.guards[one.guard] if one.guard else None
        its = self.new.guards[other.guard] if other.guard else None
        return (one.cause, guard) == (other.cause, its) and self.enters(one.to, other.to)

    def enters(self, one: StageKey, other: StageKey) -> bool:
        """Whether both stages do the same to whoever comes to them."""
        if not self.stays(one, other):
            return False
        if one in self.entered:
            return True
        self.entered.add(one)
        return self.runs(self.old.stages[one].first, self.new.stages[other].first)

    def runs(self, one: NodeId | None, other: NodeId | None) -> bool:
        """Whether both do the same from these steps on."""
        if one is None or other is None:
            return one is other
        if (one, other) in self.met:
            return True
        self.met.add((one, other))
        node, twin = self.old.nodes[one], self.new.nodes[other]
        if type(node) is not type(twin) or _says(self.old, node) != _says(self.new, twin):
            return False
        if isinstance(node, GoNode) and isinstance(twin, GoNode):
            return self.enters(node.stage, twin.stage)
        pairs = zip(_ways(self.old, node), _ways(self.new, twin), strict=True)
        return all(self.runs(way, its) for way, its in pairs)


def _ways(program: Program, node: Node) -> Iterator[NodeId | None]:
    yield from (target for _, target in ways_of(program, node))
    yield node.next


def _says(program: Program, node: Node) -> Any:
    """What a step does, beside where it leads; of what nobody is mailed by its kind alone."""
    says = _SAYS.get(type(node))
    return says(program, node) if says is not None else None


def _waits_for(program: Program, node: WaitForNode) -> Any:
    guard = program.guards[node.guard] if node.guard and node.event is None else None
    return node.event is None, guard, node.up_to


def _branches(program: Program, node: BranchNode) -> Any:
    return [program.guards[arm.guard] if arm.guard else None for arm in node.arms]


def _splits(program: Program, node: SplitNode) -> Any:
    return node.key, node.winner, [(one.name, one.weight, one.holdout) for one in node.variants]


def _waits(program: Program, node: WaitNode) -> Any:
    return node.how


def _sends(program: Program, node: SendNode) -> Any:
    return node.template, node.terms


def _sets(program: Program, node: SetNode) -> Any:
    return node.attributes, node.computed


_SAYS: Mapping[type[Any], Callable[[Program, Any], Any]] = {
    SendNode: _sends,
    WaitNode: _waits,
    WaitForNode: _waits_for,
    BranchNode: _branches,
    SplitNode: _splits,
    SetNode: _sets,
}
