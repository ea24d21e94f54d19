"""Where somebody who is under way stands in another version of their journey, and what that does to them.

A pure function, so that the plan of a publish and the move itself cannot differ. The past never runs again: a position
is carried over, never steps. It must not know how many there are, nor where they are stored.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache

from journeys.changes import retiming
from journeys.changes.ahead_of import new_sends_ahead
from journeys.changes.at_once import at_once
from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import SOON, By, Choices, JourneyPlace, Kind, PlaceOutcome, Standing
from journeys.machine.state import State
from journeys.program.assignment import share
from journeys.program.nodes import NodeId, SendNode, StageKey
from journeys.program.program import Program

AS_CHOSEN = Choices()
"""What an author who says nothing chooses."""


def place(mapping: VersionMapping, standing: Standing, now: datetime, choices: Choices = AS_CHOSEN) -> PlaceOutcome:
    """What becomes of one enrollment where the new version takes the place of the old one at `now`."""
    state = standing.state
    was = JourneyPlace(stage=state.stage, step=state.position)
    kind = _kept(standing, now, choices)
    stage = mapping.stages.get(StageKey(state.stage))
    if kind is not None or stage is None:
        return PlaceOutcome(kind=kind or "stranded", was=was, to=was, acts=(_acts(state), _acts(state)))
    landed = _landing(mapping, StageKey(state.stage), state.position, state.mode == "run")
    moved = _moved(mapping, standing, landed, now, choices)
    return _told(mapping, standing, landed, moved, now, choices)


def _kept(standing: Standing, now: datetime, choices: Choices) -> Kind | None:
    """Why somebody is left as they are."""
    state = standing.state
    if state.ended:
        return "ended"
    if choices.in_flight == "pin":
        return "pinned"
    due = state.wakes_at is not None and state.wakes_at <= now
    if state.phase == "new" or state.asking is not None or due or standing.on_its_way:
        return "unsettled"
    return None


# -- where -------------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Landing:
    """A place in the new version. `fresh` says that the step is yet to run, `entered` that its stage is begun anew."""

    stage: StageKey
    step: NodeId | None
    by: By
    fresh: bool = False
    entered: bool = False


@lru_cache(maxsize=4_096)
def _landing(mapping: VersionMapping, left: StageKey, position: str | None, runs: bool) -> _Landing:
    """The same step; else the next one that is left, along the order that no guard decides; else the stage alone."""
    old, new, stage = mapping.old, mapping.new, mapping.stages[left]
    at = NodeId(position) if position is not None else None
    if at is None:
        return _Landing(stage=stage, step=None, by="id")
    if (found := mapping.leads(at)) is not None:
        return _Landing(stage=stage, step=found[0], by=found[1], fresh=runs)
    behind = old.nodes[at].next
    while behind is not None:
        if (found := mapping.leads(behind)) is not None:
            return _Landing(stage=stage, step=found[0], by="skip_forward", fresh=True)
        behind = old.nodes[behind].next
    if left in mapping.named:
        return _Landing(stage=stage, step=new.stages[stage].first, by="stage_start", fresh=True, entered=True)
    return _Landing(stage=stage, step=None, by="skip_forward")


# -- the state ---------------------------------------------------------------------------------------------------------


def _moved(mapping: VersionMapping, standing: Standing, landed: _Landing, now: datetime, choices: Choices) -> State:
    """The state in the new version, before anything is spread."""
    state = standing.state
    if landed.entered:
        state = replace(state, visit=state.visit + 1, since=now, hears_from=now, waits_from=None, deadlines=())
        standing = replace(standing, state=state)
    waits = landed.step is not None and not landed.fresh
    until = retiming.wait_end(mapping, standing, landed.step, now, choices) if waits and landed.step else None
    deadlines = retiming.deadlines(mapping, standing, landed.stage)
    due, there = state.due if waits else None, (landed.stage, landed.step)
    same = (there, until, due, deadlines) == ((state.stage, state.position), state.until, state.due, state.deadlines)
    if same and state.mode != "run" and not landed.fresh:
        return state  # as most are
    return state.changed(
        stage=landed.stage,
        position=landed.step,
        mode="rest" if landed.step is None else "run" if landed.fresh else state.mode,
        until=until,
        due=due,
        clock=max(state.clock or now, now) if landed.fresh else state.clock,
        deadlines=deadlines,
    )


# -- what it does to them ----------------------------------------------------------------------------------------------


def _told(
    mapping: VersionMapping, standing: Standing, landed: _Landing, moved: State, now: datetime, choices: Choices
) -> PlaceOutcome:
    state, new, repeats = standing.state, mapping.new, new_sends_ahead(mapping, moved, standing)
    left, mails = at_once(new, moved, standing, now, frozenset(repeats) if choices.again == "skip" else frozenset())
    kind = _kind(state, landed, moved, bool(repeats), left, mails)
    again = next(iter(repeats.values()), None) if kind == "mails_again" else None
    spread = _spread(new, moved, state, now, choices)
    return PlaceOutcome(
        kind=kind,
        was=JourneyPlace(stage=state.stage, step=state.position),
        to=JourneyPlace(stage=landed.stage, step=landed.step),
        by=landed.by,
        acts=(_acts(state), _acts(spread)),
        template=again.template if again else mails[0] if kind == "mails_at_once" else None,
        sent_at=again.at if again else None,
        reason=left if kind == "would_leave" else None,
        mails=tuple(mails),
        state=spread,
        repeats=repeats,
    )


def _acts(state: State) -> datetime | None:
    """When it acts by itself, were it not paused: that is what another version changes of it."""
    return state.changed(paused=False).wakes_at if state.paused else state.wakes_at


def _kind(state: State, landed: _Landing, moved: State, repeats: bool, left: str | None, mails: Sequence[str]) -> Kind:
    if repeats:
        return "mails_again"
    if mails:
        return "mails_at_once"
    if left is not None:
        return "would_leave"
    if landed.step is None and state.position is not None:
        return "rests"
    if landed.by in ("map", "skip_forward", "stage_start") or landed.stage != state.stage:
        return "moves"
    if _acts(moved) != _acts(state):
        return "retimed"
    return "stays" if landed.step == state.position else "moves"


def _spread(new: Program, moved: State, state: State, now: datetime, choices: Choices) -> State:
    """What the change makes due soon comes at an instant of the enrollment's own within the spread."""
    if moved.paused or moved is state:
        return moved
    soon, kept = now + SOON, {state.until, *(one.at for one in state.deadlines)}

    def spread(at: datetime) -> datetime:
        """Made sooner by the change alone: what was due at that instant already stays so."""
        return max(at, now) + _later(moved, choices) if at <= soon and at not in kept else at

    if any(one.at <= soon for one in moved.deadlines):
        moved = moved.changed(deadlines=tuple(replace(one, at=spread(one.at)) for one in moved.deadlines))
    if moved.mode == "wait" and moved.until is not None and moved.until <= soon:
        return moved.changed(until=spread(moved.until))
    if moved.mode == "run" and moved.position and isinstance(new.nodes[NodeId(moved.position)], SendNode):
        return moved.changed(mode="wait", until=now + _later(moved, choices))
    return moved


def _later(moved: State, choices: Choices) -> timedelta:
    return share("spread", moved.enrollment) * choices.spread
