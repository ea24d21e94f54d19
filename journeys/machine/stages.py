"""Stages: entering them, moving between them by event, by time or by inactivity, and ending.

The bound on a macrostep lives here, since no loop can avoid entering a stage.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, TypeVar, assert_never

from journeys.machine import inputs
from journeys.machine.state import About, Deadline
from journeys.machine.walk import Walk
from journeys.program.nodes import BranchArm, GuardId, NodeId, StageKey, WaitForNode, WaitNode
from journeys.program.program import (
    After,
    EventTrigger,
    Inactive,
    OnEvent,
    ProgramGoal,
    ProgramStage,
    ProgramTransition,
    When,
)

STRIDES = 100
"""Stages entered without a wait between them; a journey that means to go on has waited long before."""

Listener = EventTrigger | ProgramTransition | WaitForNode | WaitNode
"""What an event can set off: an exit, a transition, the wait_for, or the wait for a date or hour, somebody is in."""

Option = TypeVar("Option", bound=Listener | BranchArm)


class Stages(Walk):
    """What a stage does with a customer."""

    def _enter(self, key: StageKey, announce: Any = None, step: NodeId | None = None) -> None:
        """Enter a stage, at its first step where none is named; `announce` records it once the customer is there."""
        stage = self.program.stages[key]
        first = step or stage.first
        timed = [Deadline(at=self._clock + cause.span.elapsed, transition=index) for index, cause in _after(stage)]
        self._set(
            stage=key,
            visit=self.state.visit + 1,
            since=self._clock,
            hears_from=self.state.turn,
            waits_from=None,
            position=first,
            mode="run",
            until=None,
            due=None,
            awaits=None,
            deadlines=tuple(timed),
        )
        if announce is not None:
            announce()
        if not self._bounded():
            return
        if first is None:
            self._rest()
        if not self.state.ended and (stage.activity_watched or stage.by_guard):
            self._ask_by_guard("entry", _entry_why(stage), last=stage.activity_watched)

    def _ask_by_guard(self, about: About, why: str, last: Sequence[str] = ()) -> None:
        """Ask the transitions by guard alone, in the order written."""
        self._ask(about, why, guards=guards_of(self._stage.by_guard), last=last)

    def _moved_by_guard(self, facts: inputs.Facts) -> bool:
        """Take the first transition whose guard holds; False where there is none."""
        chosen = first_holding(self._stage.by_guard, facts.holds)
        if chosen is not None:
            self._move(chosen.to, "when")
        return chosen is not None

    def _entered(self, facts: inputs.Facts) -> None:
        """Take a transition whose guard holds already, else arm the inactivity deadlines."""
        if self._moved_by_guard(facts):
            return
        stage, state = self._stage, self.state
        assert state.entered_at is not None
        last = {name: at or state.entered_at for name, at in zip(stage.activity_watched, facts.last, strict=True)}
        armed = [
            Deadline(at=last[t.cause.of] + t.cause.span.elapsed, transition=index)
            for index, t in enumerate(stage.transitions)
            if isinstance(t.cause, Inactive)
        ]
        self._set(deadlines=(*state.deadlines, *armed))

    def _move(self, to: StageKey, cause: str, **detail: Any) -> None:
        self._decide("moved", to=to, cause=cause, **detail)
        self._enter(to)

    def _put(self, there: inputs.Move) -> None:
        """A person moves the enrollment. One that is paused stays so, and acts once it goes on."""
        self._reach(there.at)
        self._set(turn=there.at, strides=0)
        step = NodeId(there.step) if there.step is not None else None
        named: dict[str, Any] = {"to_step": step} if step else {}
        self._decide("moved", to=there.stage, cause="person", **named)
        self._enter(StageKey(there.stage), step=step)

    def _rest(self) -> None:
        self._set(position=None, mode="rest", until=None)
        if self._stage.final:
            self._end("completed", cause="steps ran out")

    def _go_on(self, to: NodeId | None) -> None:
        if to is None:
            self._rest()
        else:
            self._set(position=to, mode="run", until=None)

    def _end(self, reason: str, *, cause: str, **detail: Any) -> None:
        self._decide("ended", reason=reason, cause=cause, **detail)
        self._set(phase="ended", reason=reason, mode="rest", until=None, deadlines=(), paused=False)

    def _bounded(self) -> bool:
        """Count a stage; end the enrollment where it turns round from stage to stage without ever waiting."""
        self._set(strides=self.state.strides + 1)
        if self.state.strides <= STRIDES:
            return True
        self._end("loop", cause="loop", turning_at=self.state.position or self.state.stage)
        return False

    # -- deadlines -----------------------------------------------------------------------------------------------------

    def _fire(self, due: Deadline) -> None:
        transition = self._stage.transitions[due.transition]
        guards = (transition.guard,) if transition.guard else ()
        match transition.cause:
            case Inactive(of=of):
                self._ask("deadline", f"no {of} for long", guards=guards, last=(of,), deadline=due)
            case After() if guards:
                self._ask("deadline", "time in the stage", guards=guards, deadline=due)
            case After():
                self._move(transition.to, "after")
            case OnEvent() | When():
                raise AssertionError("only time has a deadline")

    def _deadline_answered(self, due: Deadline, facts: inputs.Facts) -> None:
        transition = self._stage.transitions[due.transition]
        if isinstance(transition.cause, Inactive):
            assert self.state.entered_at is not None
            active_until = (facts.last[0] or self.state.entered_at) + transition.cause.span.elapsed
            if active_until > due.at:
                return self._rearm(due, active_until, "rearmed")
        if all(facts.holds):
            return self._move(transition.to, "inactive" if isinstance(transition.cause, Inactive) else "after")
        again = due.at + transition.cause.span.elapsed if isinstance(transition.cause, Inactive) else None
        return self._rearm(due, again, "declined", to=transition.to)

    def _rearm(self, spent: Deadline, at: datetime | None, what: str, **detail: Any) -> None:
        left = tuple(one for one in self.state.deadlines if one is not spent and one != spent)
        again = () if at is None else (Deadline(at=at, transition=spent.transition),)
        self._decide(what, **detail)
        self._set(deadlines=(*left, *again))

    # -- events --------------------------------------------------------------------------------------------------------

    def _event(self, event: inputs.EventArrived) -> None:
        """Reaching the goal is recorded and ends nothing; whatever else the event sets off, it does once."""
        goal = self._goal_of(event)
        if goal is not None and goal.guard is None:
            self._converted(event)
        listeners = self._listeners(event)
        guards = guards_of([goal, *listeners] if goal is not None else listeners)
        if guards:
            self._ask("event", f"the event {event.name}", guards=guards, event=event)
        elif listeners:
            self._set_off(listeners[0], event)

    def _event_answered(self, event: inputs.EventArrived, holds: tuple[bool, ...]) -> None:
        goal = self._goal_of(event)
        if goal is not None and goal.guard is not None:
            if holds[0]:
                self._converted(event)
            holds = holds[1:]
        chosen = first_holding(self._listeners(event), holds)
        if chosen is not None:
            self._set_off(chosen, event)

    def _goal_of(self, event: inputs.EventArrived) -> ProgramGoal | None:
        goal = self.program.goal
        return goal if goal is not None and goal.event == event.name else None

    def _listeners(self, event: inputs.EventArrived) -> list[Listener]:
        """What an event may set off, in the order of the law, up to the first that asks no guard."""
        name, state = event.name, self.state
        found: list[Listener] = [one for one in self.program.exits if one.event == name]
        if state.hears_from is None or event.at >= state.hears_from:
            found += [one for one in self._stage.transitions if one.hears(name)]
        node = self._waiting_in()
        here = state.waits_from is None or event.at >= state.waits_from
        if (isinstance(node, WaitForNode) and here or isinstance(node, WaitNode)) and node.hears(name):
            found.append(node)  # what is said of a profile holds whenever it was said
        return until_certain(found)

    def _converted(self, event: inputs.EventArrived) -> None:
        self._decide("converted", event=event.name, seq=event.seq)

    def _set_off(self, listener: Listener, event: inputs.EventArrived) -> None:
        match listener:
            case EventTrigger():
                self._end("exited", cause="event", event=event.name, seq=event.seq)
            case ProgramTransition():
                cause = "when" if isinstance(listener.cause, When) else "event"
                self._move(listener.to, cause, event=event.name, seq=event.seq)
            case WaitForNode():
                self._decide("matched", event=event.name, seq=event.seq)
                self._go_on(listener.then)
            case WaitNode():  # its end is worked out anew, since the date or the zone may have changed
                self._set(mode="run", until=None)
            case _:
                assert_never(listener)


def _entry_why(stage: ProgramStage) -> str:
    return "the last activity" if stage.activity_watched else "what holds already"


def _after(stage: ProgramStage) -> list[tuple[int, After]]:
    return [(index, one.cause) for index, one in enumerate(stage.transitions) if isinstance(one.cause, After)]


def _guard(option: ProgramGoal | Listener | BranchArm) -> GuardId | None:
    return None if isinstance(option, WaitNode) else option.guard


def guards_of(options: Iterable[ProgramGoal | Listener | BranchArm]) -> tuple[GuardId, ...]:
    """The guards that are asked to choose between options."""
    return tuple(guard for guard in map(_guard, options) if guard is not None)


def until_certain(options: Sequence[Option]) -> list[Option]:
    """The options up to the first that holds without being asked."""
    for index, option in enumerate(options):
        if _guard(option) is None:
            return list(options[: index + 1])
    return list(options)


def first_holding(options: Sequence[Option], holds: Sequence[bool]) -> Option | None:
    """The first option whose guard holds; one more option than verdicts is the one that asks no guard."""
    for index, option in enumerate(options):
        if index >= len(holds) or holds[index]:
            return option
    return None
