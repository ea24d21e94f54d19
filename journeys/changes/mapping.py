"""Which stage and which step of the old version is which of the new one.

Equal ids of the same verb in the same stage are the same step, but for an id that was not given and is now that of a
step in another arm (`arms`): then only a send is, which is not to go twice. So are two steps of one verb that stand
between the same neighbours: a wait whose length was changed has another id, unless it was given one. (Two sends are so
only where they send the same template.) An id that was not given and has come out of an arm is looked at last. The
author overrides all of it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from journeys.changes.arms import same_arm, was_given
from journeys.changes.layout import Slot, layout
from journeys.changes.outcomes import By
from journeys.language.problems import nearest
from journeys.program.nodes import NodeId, StageKey, WaitForNode, WaitNode
from journeys.program.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class Moves:
    """What the author says: old stages to new ones by key, old steps to new ones by id."""

    stages: Mapping[str, str] = field(default_factory=dict[str, str])
    steps: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True, kw_only=True)
class MoveProblem:
    """What is wrong with one of the author's moves: a code, its place in `moves`, and a sentence."""

    code: str
    place: str
    message: str


class BadMoves(ValueError):
    """Moves that cannot be made; `problems` lists every reason."""

    def __init__(self, problems: list[MoveProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(f"{one.place}: {one.message}" for one in problems))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class VersionMapping:
    """Where each stage and step of the old version is found in the new one; what is gone is not there.

    `named` are the old stages that the author moved. It is made once for two versions, and what follows from it for
    everybody at the same place is kept under it.
    """

    old: Program
    new: Program
    stages: Mapping[StageKey, StageKey]
    steps: Mapping[NodeId, tuple[NodeId, By]]
    named: frozenset[StageKey] = frozenset()

    def step(self, old: NodeId | None) -> NodeId | None:
        """The new step that this one became, None where it is gone."""
        found = self.steps.get(old) if old is not None else None
        return found[0] if found else None

    def leads(self, old: NodeId) -> tuple[NodeId, By] | None:
        """Where whoever comes to this step goes on, and how it was found: never in an arm that they did not take."""
        found = self.steps.get(old)
        if found is None or found[1] == "map" or was_given(old):
            return found
        return found if same_arm(self.old, self.new, self.step, old, found[0]) else None


def mapping_of(old: Program, new: Program, moves: Moves | None = None) -> VersionMapping:
    """Find every stage and step again; raise BadMoves where the author's moves do not fit."""
    said = moves or Moves()
    if problems := list(_problems(old, new, said)):
        raise BadMoves(problems)
    stages = {key: key for key in old.stages if key in new.stages}
    named = {StageKey(one): StageKey(other) for one, other in said.stages.items()}
    finder = _Finder(old, new, stages | named)
    finder.by_author(said.steps)
    while finder.by_id() or finder.by_place() or finder.by_id(out_of_arms=True):
        pass  # each that is found may be the neighbour of another, or hold it
    return VersionMapping(old=old, new=new, stages=stages | named, steps=finder.found, named=frozenset(named))


class _Finder:
    """The steps that were found so far."""

    def __init__(self, old: Program, new: Program, stages: Mapping[StageKey, StageKey]) -> None:
        self.found: dict[NodeId, tuple[NodeId, By]] = {}
        self._programs, self._stages = (old, new), stages
        self._old, self._new = layout(old), layout(new)

    def by_author(self, steps: Mapping[str, str]) -> None:
        for one, other in steps.items():
            self.found[NodeId(one)] = NodeId(other), "map"

    def by_id(self, *, out_of_arms: bool = False) -> bool:
        """Whether any was found. Ids that were not given have their stage's key at their head, which may be moved.

        Such an id may have come `out_of_arms` to the steps that everybody takes, as that of the twin which stood there.
        """
        before = len(self.found)
        for one, slot in self._left():
            to = self._stages.get(slot.stage)
            for name in map(NodeId, (one, f"{to}/{one.removeprefix(f'{slot.stage}/')}")):
                there = self._new.get(name)
                fits = there is not None and (there.stage, there.verb) == (to, slot.verb) and not self._taken(name)
                stays = out_of_arms or there is None or (slot.holder is None) == (there.holder is None)
                if fits and (was_given(one) or slot.template or (stays and self._in_the_same_arm(one, name))):
                    self.found[one] = name, "id"
                    break
        return len(self.found) > before

    def _in_the_same_arm(self, one: NodeId, other: NodeId) -> bool:
        return same_arm(*self._programs, lambda step: self.found.get(step, (None,))[0], one, other)

    def by_place(self) -> bool:
        """Whether any was found that stands between the same neighbours."""
        before = len(self.found)
        for one, slot in self._left():
            fits = list(self._between_the_same(slot))
            if len(fits) == 1:
                self.found[one] = fits[0], "place"
        return len(self.found) > before

    def _left(self) -> list[tuple[NodeId, Slot]]:
        return [(one, slot) for one, slot in self._old.items() if one not in self.found]

    def _taken(self, name: str) -> bool:
        return any(other == name for other, _ in self.found.values())

    def _between_the_same(self, slot: Slot) -> Iterator[NodeId]:
        wanted = (
            self._stages.get(slot.stage),
            slot.verb,
            slot.template,
            self._image(slot.holder),
            slot.way,
            self._image(slot.before),
            self._image(slot.behind),
        )
        for other, there in self._new.items():
            stands = (there.stage, there.verb, there.template, there.holder, there.way, there.before, there.behind)
            if stands == wanted and not self._taken(other):
                yield other

    def _image(self, one: NodeId | None) -> NodeId | str | None:
        """A neighbour that is gone is nobody's."""
        if one is None:
            return None
        return self.found[one][0] if one in self.found else "(gone)"


# -- what the author said ----------------------------------------------------------------------------------------------


def _problems(old: Program, new: Program, said: Moves) -> Iterator[MoveProblem]:
    for one, other in said.stages.items():
        yield from _known("stages", one, "old", one, list(old.stages))
        yield from _known("stages", one, "new", other, list(new.stages))
    stood, stands = layout(old), layout(new)
    for one, other in said.steps.items():
        missing = [*_known("steps", one, "old", one, list(stood)), *_known("steps", one, "new", other, list(stands))]
        yield from missing or _fits(one, stood[NodeId(one)], other, stands[NodeId(other)], said)


def _known(kind: str, source: str, version: str, name: str, names: list[str]) -> Iterator[MoveProblem]:
    if name not in names:
        message = f"the {version} version has no {kind.removesuffix('s')} {name!r}; expected {nearest(name, names)}"
        yield MoveProblem(code=f"unknown_{kind.removesuffix('s')}", place=f"moves.{kind}.{source}", message=message)


def _fits(one: str, stood: Slot, other: str, stands: Slot, said: Moves) -> Iterator[MoveProblem]:
    place, to = f"moves.steps.{one}", said.stages.get(stood.stage, stood.stage)
    if stands.stage != to:
        message = f"{other!r} is in stage {stands.stage!r}, and whoever stands in {stood.stage!r} comes to {to!r}"
        yield MoveProblem(code="other_stage", place=place, message=message)
    if stood.verb != stands.verb and (stood.verb, stands.verb) != (WaitNode, WaitForNode):
        message = f"{one!r} is a {stood.said}, {other!r} a {stands.said}; only a wait may become a wait_for"
        yield MoveProblem(code="other_verb", place=place, message=message)
