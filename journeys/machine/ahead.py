"""What comes next for an enrollment: the earliest of its events, its deadline, and what persons asked for.

The one function that gathers, for production and for every simulation. It must not know where a shell finds these
things: `Ahead` is how it asks.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Protocol

from journeys.facts.calendar import LocalTime
from journeys.facts.guards import PROFILE_EVENTS
from journeys.machine.inputs import Addressed, Begin, Control, EventArrived, Halting, Input, Move, Pause, Skip, Woke
from journeys.machine.state import State
from journeys.program.nodes import DateOf, NodeId, StageKey, WaitForNode, WaitNode
from journeys.program.program import OnEvent, Program, When

ZONE_CHANGED = "Time Zone Changed"
"""Stands for the events among PROFILE_EVENTS that change the customer's zone; no event has this name."""

ADDRESS_KNOWN = "Address Known"
"""Stands for whatever gives an address to a customer who had none; no event has this name."""

LAG = timedelta(minutes=1)
"""By so much a busy machine may carry out a wake behind the instant that it works up to: it sees events of after that,
and a deadline between the two comes first. What is dated further ahead is told by a clock that is off; it is so now."""

EVENT, CONTROL, ADDRESS, DEADLINE = range(4)
"""Which comes first of those that come at one instant."""


class Ahead(Protocol):
    """What has happened to the customer and is not worked off yet, as one shell knows it."""

    def halted(self, stage: str) -> Halting | None:
        """Who has paused everybody in this stage: `journey` or `stage`; None where nobody has."""
        ...

    def event(self, above: int, names: Sequence[str]) -> EventArrived | None:
        """The first event above this number that one of the names tells."""
        ...

    def control(self) -> Control | None:
        """What was asked for first and is not done yet."""
        ...

    def addressed(self, above: int) -> datetime | None:
        """Since when the customer has an address, who had none behind the event `above`; None where they have none."""
        ...

    def seq_by(self, above: int, at: datetime) -> int:
        """The number up to which all events had come by this instant; at least `above`."""
        ...


def next_input(program: Program, state: State, ahead: Ahead, now: datetime) -> Input | None:
    """What this state meets next, up to `now`; None where nothing is due.

    While the journey or the stage is paused, an enrollment that would act is paused with it.
    """
    if state.phase == "new":
        return Begin(at=state.entered_at or now)
    event = None if state.paused else _by(now, state, ahead.event(state.cursor, waits_for(program, state)))
    control, wakes_at = ahead.control(), state.wakes_at
    addressed = ahead.addressed(state.cursor) if awaits_address(state) else None
    instants = (event.at if event else None, control.at if control else None, addressed, wakes_at)
    found = [(at, rank) for rank, at in enumerate(instants) if at is not None]
    at, rank = min(found, default=(None, None))
    if at is None or (len(found) == 1 and rank == DEADLINE and at > now):
        return None
    if rank == CONTROL:
        return replace(control, seq=ahead.seq_by(state.cursor, at)) if isinstance(control, Skip | Move) else control
    if (by := ahead.halted(state.stage)) is not None:
        return Pause(at=now, by=by)
    if rank == EVENT:
        return event
    seq = ahead.seq_by(state.cursor, at)
    return Addressed(at=at, seq=seq) if rank == ADDRESS else Woke(at=at, seq=seq)


def _by(now: datetime, state: State, event: EventArrived | None) -> EventArrived | None:
    """The event as it has happened by `now`; None where a deadline comes before it that is yet to be waited for."""
    if event is None or event.at <= now:
        return event
    deadline_first = state.wakes_at is not None and state.wakes_at < event.at <= now + LAG
    return None if deadline_first else replace(event, at=now)


def awaits_address(state: State) -> bool:
    """Whether somebody waits in a mail for an address of theirs."""
    return state.mode == "wait" and state.awaits == "address" and not state.paused and not state.ended


def waits_for(program: Program, state: State) -> tuple[str, ...]:
    """The names of the events that lead somewhere from here, each once."""
    if state.ended:
        return ()
    names = [one.event for one in program.exits]
    if program.goal is not None:
        names.append(program.goal.event)
    for transition in program.stages[StageKey(state.stage)].transitions:
        if isinstance(transition.cause, OnEvent):
            names.append(transition.cause.event)
        elif isinstance(transition.cause, When):
            names += sorted(transition.cause.reads)
    return tuple(dict.fromkeys([*names, *_waited_in(program, state)]))


def _waited_in(program: Program, state: State) -> Sequence[str]:
    """The events that the step somebody waits in listens to."""
    node = program.nodes[NodeId(state.position)] if state.mode == "wait" and state.position else None
    match node:
        case WaitForNode(event=event, reads=reads):
            return [event] if event is not None else sorted(reads)
        case WaitNode(how=DateOf() | LocalTime()):
            return PROFILE_EVENTS
        case _:
            return ()


def pokes_for(program: Program, state: State) -> tuple[str, ...]:
    """The names of the events at which an enrollment in this state is to look: those of `waits_for`.

    Profiles are told of often and zones change seldom, so whoever waits for a local time looks at ZONE_CHANGED alone,
    and whose mail waits for an address at ADDRESS_KNOWN.
    """
    if state.mode == "wait" and state.awaits == "address":
        return tuple(dict.fromkeys([*waits_for(program, state), ADDRESS_KNOWN]))
    node = program.nodes[NodeId(state.position)] if state.mode == "wait" and state.position else None
    if not isinstance(node, WaitNode) or not isinstance(node.how, LocalTime) or state.ended:
        return waits_for(program, state)
    elsewhere = waits_for(program, replace(state, mode="rest"))
    return tuple(dict.fromkeys([*elsewhere, ZONE_CHANGED]))
