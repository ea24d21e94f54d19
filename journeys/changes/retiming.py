"""When a moved enrollment acts: the end of its wait, and the deadlines of its stage, under the new version."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from functools import lru_cache
from typing import Any

from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import Choices, Standing
from journeys.facts import calendar
from journeys.facts.calendar import LocalTime, Span
from journeys.facts.customer_facts import NOTHING
from journeys.machine.commands import Ask
from journeys.machine.state import Deadline
from journeys.program.nodes import DateOf, Node, NodeId, StageKey, WaitForNode, WaitNode
from journeys.program.program import After, Inactive, Program, ProgramTransition
from journeys.rules import answers


def wait_end(
    mapping: VersionMapping, standing: Standing, step: NodeId, now: datetime, choices: Choices
) -> datetime | None:
    """When the wait ends that was begun at the old step, at the new one; None where it has no end of its own.

    One whose length is the same ends as before. A local time or a date is the next one there is: it has no length.
    """
    state, old, new = standing.state, mapping.old, mapping.new
    assert state.position is not None
    before, after = _how(old.nodes[NodeId(state.position)]), _how(new.nodes[step])
    same = before == after and (not _needs_zone(after) or _zone(old, standing) == _zone(new, standing))
    if same or choices.on_change == "keep" or not isinstance(new.nodes[step], WaitNode | WaitForNode):
        return state.until
    if after is None:
        return None
    begun = _begun(old, standing, before, now) if isinstance(after, Span) and choices.on_change == "rest" else now
    ask = Ask(number=0, at=begun, seq=state.cursor, why="", stage=state.stage, visit=state.visit, until=step)
    end = answers.answer(new, ask, standing.known, None, standing.enrollment)[0].until
    return max(now, end) if end is not None else None


def _how(node: Node) -> Span | LocalTime | DateOf | None:
    return node.how if isinstance(node, WaitNode) else node.up_to if isinstance(node, WaitForNode) else None


def _needs_zone(how: Span | LocalTime | DateOf | None) -> bool:
    return how.needs_zone if isinstance(how, Span) else how is not None


def _zone(program: Program, standing: Standing) -> Any:
    known = standing.known
    return calendar.zone_of(known.timezone, program.timezone, known.installation_zone)


def _begun(old: Program, standing: Standing, how: Span | LocalTime | DateOf | None, now: datetime) -> datetime:
    """When the wait began: its length before its end; else the turn in which it was reached."""
    state = standing.state
    if isinstance(how, Span) and state.until is not None:
        return calendar.subtract(state.until, how, _zone(old, standing))
    return state.waits_from or state.since or now


def deadlines(mapping: VersionMapping, standing: Standing, stage: StageKey) -> tuple[Deadline, ...]:
    """The deadlines of the new stage for somebody who stays in it.

    A transition with the same cause and the same way out is the same one: what it had spent stays spent, and another
    length counts from where the old one did.
    """
    twins = _twins(mapping, StageKey(standing.state.stage), stage)
    found: list[Deadline] = []
    for index, transition in enumerate(mapping.new.stages[stage].transitions):
        if isinstance(transition.cause, After | Inactive):
            at = _due(mapping.old, standing, transition, twins.get(index))
            found += [Deadline(at=at, transition=index)] if at is not None else []
    return tuple(found)


def _due(old: Program, standing: Standing, transition: ProgramTransition, twin: int | None) -> datetime | None:
    state, cause = standing.state, transition.cause
    assert isinstance(cause, After | Inactive)
    if twin is not None:
        kept = next((one for one in state.deadlines if one.transition == twin), None)
        if kept is None:
            return None  # its guard was asked, and said no
        was = old.stages[StageKey(state.stage)].transitions[twin].cause
        assert isinstance(was, After | Inactive)
        return kept.at - was.span.elapsed + cause.span.elapsed
    if isinstance(cause, After):
        return state.since + cause.span.elapsed if state.since else None
    last = standing.known.aggregates.get(cause.of, NOTHING).last_at or state.entered_at
    return last + cause.span.elapsed if last else None


@lru_cache(maxsize=1_024)
def _twins(mapping: VersionMapping, left: StageKey, stage: StageKey) -> Mapping[int, int]:
    """For transitions of the new stage by their index: the index of the same one in the old stage.

    First those that agree in their guard too, then those that agree in all but it and their length.
    """
    old, new = mapping.old, mapping.new
    was, found = old.stages[left].transitions, dict[int, int]()
    for strict in (True, False):
        for index, one in enumerate(new.stages[stage].transitions):
            for before, other in enumerate(was):
                to = mapping.stages.get(other.to)
                same = _sameness(new, one, one.to, strict) == _sameness(old, other, to, strict)
                if same and index not in found and before not in found.values():
                    found[index] = before
    return found


def _sameness(program: Program, one: ProgramTransition, to: StageKey | None, strict: bool) -> tuple[Any, ...]:
    guard = program.guards[one.guard] if strict and one.guard else None
    cause = one.cause
    spanless = replace(cause, span=Span()) if isinstance(cause, After | Inactive) else cause
    return spanless, to, guard
