"""What a version changes of a journey's steps. Which step is which is what a move of enrollments goes by, too."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any

from journeys.changes.layout import Slot, layout, ways_of
from journeys.changes.mapping import mapping_of
from journeys.changes.version_changes import ChangeKind, VersionChange
from journeys.language.definition import Definition
from journeys.language.step_tree import all_steps
from journeys.language.verbs import BranchStep, SendStep, SplitStep, Step, WaitForStep, WaitStep
from journeys.program.compiler import compile_journey, name_steps
from journeys.program.nodes import NodeId
from journeys.program.step_ids import in_words

Compared = tuple[ChangeKind, str, Any, Any]
"""A kind of change, what is said of the step, and what stood and stands there."""


@dataclass(frozen=True, slots=True)
class _Side:
    """The steps of one version by their ids, in the order written: what each says, and where it stands.

    `ways` are the ways that lead out of steps, with the step's id.
    """

    steps: Mapping[NodeId, Step]
    slots: Mapping[NodeId, Slot]
    ways: frozenset[tuple[NodeId | None, str]]


def changes_of_steps(old: Definition, new: Definition) -> Iterator[VersionChange]:
    """Every change of a step, in the order of the new version; those that are gone come first."""
    before, after = _side(old), _side(new)
    same = {one: other for one, (other, _) in mapping_of(compile_journey(old), compile_journey(new)).steps.items()}
    was = {other: one for one, other in same.items()}
    for name, step in before.steps.items():
        if name not in same:
            sentence = f"{_called(name)} is gone from stage '{before.slots[name].stage}'."
            yield VersionChange(kind="step_removed", place=name, sentence=sentence, before=_written(step))
    moved = _moved(before, after, same)
    for name, step in after.steps.items():
        where = _where(after.slots[name])
        if name not in was:
            yield VersionChange(
                kind="step_added", place=name, sentence=f"{_called(name)} is new {where}.", after=_written(step)
            )
            continue
        if name in moved:
            yield VersionChange(kind="step_moved", place=name, sentence=f"{_called(name)} stands elsewhere: {where}.")
        for kind, said, stood, stands in _compared(before.steps[was[name]], step):
            sentence = f"In stage '{after.slots[name].stage}', {_subject(name, step, after.slots[name])} {said}."
            yield VersionChange(kind=kind, place=name, sentence=sentence, before=stood, after=stands)


def _side(journey: Definition) -> _Side:
    names = name_steps(journey)
    steps = {NodeId(names[id(step)]): step for _, step in all_steps(journey)}
    program = compile_journey(journey)
    ways = frozenset((node.id, way) for node in program.nodes.values() for way, _ in ways_of(program, node))
    return _Side(steps, layout(program), ways)


def _written(step: Step) -> dict[str, Any]:
    return step.model_dump(mode="json", by_alias=True, exclude_unset=True)


def _called(name: NodeId) -> str:
    return f"'{in_words(name)}'"


def _subject(name: NodeId, step: Step, slot: Slot) -> str:
    """What a sentence is about. A wait without an `id` is called by its length: it is told by where it stands."""
    if not isinstance(step, WaitStep) or step.id is not None:
        return _called(name)
    if slot.before is not None:
        return f"the wait behind {_called(slot.before)}"
    return f"the wait that begins {_called(slot.holder)} ({slot.way})" if slot.holder else "the wait it begins with"


def _where(slot: Slot) -> str:
    within = f"within {_called(slot.holder)} ({slot.way}) of " if slot.holder else "in "
    behind = f", behind {_called(slot.before)}" if slot.before else ", as the first step"
    return f"{within}stage '{slot.stage}'{behind}"


# -- where they stand --------------------------------------------------------------------------------------------------


def _moved(before: _Side, after: _Side, same: Mapping[NodeId, NodeId]) -> set[NodeId]:
    """Those that are in another stage, step or way, or in another order among those that are where they were."""
    slots = {other: (before.slots[one], after.slots[other]) for one, other in same.items()}
    elsewhere = {name for name, (was, now) in slots.items() if _is_elsewhere(was, now, same, after.ways)}
    old = [same[one] for one in before.steps if one in same and same[one] not in elsewhere]
    new = [one for one in after.steps if one in {*old}]
    for order in (old, new):
        order.sort(key=lambda one: after.slots[one].stage)
    blocks = SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks()
    return elsewhere | {*old} - {old[block.a + offset] for block in blocks for offset in range(block.size)}


def _is_elsewhere(
    old: Slot, new: Slot, same: Mapping[NodeId, NodeId], ways: frozenset[tuple[NodeId | None, str]]
) -> bool:
    """A way that another guard leads to now is the same way, where the old one is gone."""
    holder = same.get(old.holder) if old.holder else None
    if (old.stage, holder) != (new.stage, new.holder):
        return True
    return old.way != new.way and (new.holder, old.way) in ways


# -- what they say -----------------------------------------------------------------------------------------------------


def _compared(old: Step, new: Step) -> Iterator[Compared]:
    compare = next((one for kind, one in _COMPARE.items() if isinstance(new, kind)), _whole)
    yield from compare(old, new)


def _mail(old: Any, new: Any) -> Iterator[Compared]:
    before, after = (one.send.model_dump(mode="json", by_alias=True) for one in (old, new))
    for name in after:
        if before[name] != after[name]:
            said = f"has the {name} {_said(after[name])} instead of {_said(before[name])}"
            yield "mail_changed", said, before[name], after[name]


def _wait(old: Any, new: Any) -> Iterator[Compared]:
    before, after = _own(old), _own(new)
    if before != after:
        yield "step_retimed", f"is {_said(after)} instead of {_said(before)}", before, after


def _wait_for(old: Any, new: Any) -> Iterator[Compared]:
    before, after = old.wait_for, new.wait_for
    if before.up_to != after.up_to:
        said = f"waits up to {_said(after.up_to)} instead of {_said(before.up_to)}"
        yield "step_retimed", said, before.up_to, after.up_to
    if before.event != after.event:
        said = f"waits for {_said(after.event)} instead of {_said(before.event)}"
        yield "step_changed", said, before.event, after.event
    if before.when != after.when:
        yield "guard_changed", f"asks {_said(after.when)} instead of {_said(before.when)}", before.when, after.when


def _branch(old: Any, new: Any) -> Iterator[Compared]:
    before, after = ([case.condition or "else" for case in one.branch] for one in (old, new))
    if before != after:
        yield "guard_changed", f"asks {', then '.join(after)} instead of {', then '.join(before)}", before, after


def _split(old: Any, new: Any) -> Iterator[Compared]:
    before, after = (
        {name: {"weight": one.weight} | ({"holdout": True} if one.holdout else {}) for name, one in variants.items()}
        for variants in (old.split.variants, new.split.variants)
    )
    if before != after:
        yield "step_changed", f"divides {_weights(after)} instead of {_weights(before)}", before, after
    won, wins = old.split.winner, new.split.winner
    if won != wins:
        yield "step_changed", f"has the winner {_said(wins)} instead of {_said(won)}", won, wins
    was, decides = (one.split.decide and one.split.decide.model_dump(mode="json") for one in (old, new))
    if was != decides:
        yield "step_changed", f"is decided by {_said(decides)} instead of {_said(was)}", was, decides


def _weights(variants: Mapping[str, Mapping[str, Any]]) -> str:
    told = ((name, one["weight"], " (holdout)" if one.get("holdout") else "") for name, one in variants.items())
    return " · ".join(f"{name} {weight}{holdout}" for name, weight, holdout in told)


def _whole(old: Any, new: Any) -> Iterator[Compared]:
    before, after = _own(old), _own(new)
    if before != after:
        yield "step_changed", f"says {_said(after)} instead of {_said(before)}", before, after


_COMPARE: Mapping[type[Any], Callable[[Any, Any], Iterator[Compared]]] = {
    SendStep: _mail,
    WaitStep: _wait,
    WaitForStep: _wait_for,
    BranchStep: _branch,
    SplitStep: _split,
}
"""How the steps of a verb are compared; the others as one value."""


def _own(step: Step) -> Any:
    """What a step says for its verb, without the steps that it holds."""
    said = next(value for name, value in step.model_dump(mode="json", by_alias=True).items() if name != "id")
    if not isinstance(said, dict):
        return said
    return {name: value for name, value in said.items() if name != "else" and value is not None}


def _said(value: Any) -> str:
    if value is None:
        return "nothing"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
