"""Stages: entering them, moving between them by event, by time or by inactivity, and ending.

The bound on a macrostep lives here, since no loop can avoid entering a stage.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from journeys.facts.guards import PROFILE_EVENTS
from journeys.machine import inputs
from journeys.machine.state import Deadline
from journeys.machine.walk import Walk
from journeys.program.program import (
    After,
    DateOf,
    GuardId,
    Inactive,
    NodeId,
    OnEvent,
    Stage,
    StageKey,
    Wait,
    WaitFor,
    When,
)

STRIDES = 100


class Stages(Walk):
    """What a stage does with a customer."""

    def _enter(self, key: StageKey, announce: Any = None) -> None:
        stage = self.program.stages[key]
        timed = [Deadline(at=self._clock + cause.span.elapsed, transition=index) for index, cause in _after(stage)]
        self._set(
            stage=key,
            visit=self.state.visit + 1,
            since=self._clock,
            hears_from=self.state.turn,
            waits_from=None,
            position=stage.first,
            mode="run",
            until=None,
            due=None,
            deadlines=tuple(timed),
            unsettled=True,
        )
        if announce is not None:
            announce()
        if not self._bounded():
            return
        if stage.first is None:
            self._rest()
        if not self.state.ended and (stage.activity_watched or stage.by_guard):
            self._ask_by_guard("entry", _entry_why(stage), last=stage.activity_watched)

    def _ask_by_guard(self, about: str, why: str, last: Sequence[str] = ()) -> None:
        """Ask the transitions by guard alone, in the order written."""
        ways = self._stage.by_guard
        guards = [one.guard for _, one in ways if one.guard is not None]
        self._ask(about, why, guards=guards, last=last, options=tuple(f"transition:{index}" for index, _ in ways))

    def _by_guard(self, option: str) -> None:
        self._move(self._stage.transitions[int(option.partition(":")[2])].to, "when")

    def _entered(self, facts: inputs.Facts, option: str | None) -> None:
        """Take a transition whose guard holds already, else arm the inactivity deadlines."""
        if option is not None:
            return self._by_guard(option)
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

    def _rest(self) -> None:
        self._set(position=None, mode="rest", until=None, unsettled=True)
        if self._stage.final:
            self._end("completed", cause="steps ran out")

    def _go_on(self, to: NodeId | None) -> None:
        if to is None:
            self._rest()
        else:
            self._set(position=to, mode="run", until=None, unsettled=True)

    def _end(self, reason: str, *, cause: str, **detail: Any) -> None:
        self._decide("ended", reason=reason, cause=cause, **detail)
        self._set(phase="ended", reason=reason, mode="rest", until=None, deadlines=(), backlog=(), paused=False)

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
        goal = self.program.goal
        options = self._options(event)
        if goal is not None and goal.event == event.name:
            if goal.guard is None:
                self._converted(event)
            else:
                options = [("goal", goal.guard), *options]
        guards = tuple(guard for _, guard in options if guard is not None)
        if not options:
            return
        if not guards:
            return self._chosen(options[0][0], event)
        names = tuple(name for name, _ in options)
        self._ask("event", f"the event {event.name}", guards=guards, event=event, options=names)

    def _options(self, event: inputs.EventArrived) -> list[tuple[str, GuardId | None]]:
        """What an event may fire, in the order of the law, up to the first that asks no guard."""
        name, state = event.name, self.state
        found = [(f"exit:{i}", one.guard) for i, one in enumerate(self.program.exits) if one.event == name]
        if state.hears_from is None or event.at >= state.hears_from:
            ways = enumerate(self._stage.transitions)
            found += [(f"transition:{i}", one.guard) for i, one in ways if one.hears(name)]
        node = self._waiting_in() if state.waits_from is None or event.at >= state.waits_from else None
        if isinstance(node, WaitFor) and node.hears(name):
            found.append(("wait_for", node.guard))
        elif isinstance(node, Wait) and isinstance(node.how, DateOf) and name in PROFILE_EVENTS:
            found.append(("date", None))
        return until_certain(found)

    def _event_answered(self, event: inputs.EventArrived, options: tuple[str, ...], holds: tuple[bool, ...]) -> None:
        if options[0] == "goal":
            if holds[0]:
                self._converted(event)
            options, holds = options[1:], holds[1:]
        option = first_holding(options, holds)
        if option is not None:
            self._chosen(option, event)

    def _converted(self, event: inputs.EventArrived) -> None:
        """Reaching the goal is recorded, and ends nothing."""
        self._decide("converted", event=event.name, seq=event.seq)

    def _chosen(self, option: str, event: inputs.EventArrived) -> None:
        kind, _, index = option.partition(":")
        if kind == "exit":
            self._end("exited", cause="event", event=event.name, seq=event.seq)
        elif kind == "transition":
            chosen = self._stage.transitions[int(index)]
            cause = "when" if isinstance(chosen.cause, When) else "event"
            self._move(chosen.to, cause, event=event.name, seq=event.seq)
        elif kind == "date":
            self._set(mode="run", until=None)  # the wait works its end out anew, since the date may have changed
        else:
            node = self._waiting_in()
            assert isinstance(node, WaitFor)
            self._decide("matched", event=event.name, seq=event.seq)
            self._go_on(node.then)


def _entry_why(stage: Stage) -> str:
    return "the last activity" if stage.activity_watched else "what holds already"


def _after(stage: Stage) -> list[tuple[int, After]]:
    return [(index, one.cause) for index, one in enumerate(stage.transitions) if isinstance(one.cause, After)]


def until_certain(options: list[tuple[str, GuardId | None]]) -> list[tuple[str, GuardId | None]]:
    """Cut the options behind the first that holds without being asked."""
    for index, (_, guard) in enumerate(options):
        if guard is None:
            return options[: index + 1]
    return options


def first_holding(options: tuple[str, ...], holds: tuple[bool, ...]) -> str | None:
    """The first option whose guard holds; one more option than verdicts is the one that asks no guard."""
    for index, option in enumerate(options):
        if index >= len(holds) or holds[index]:
            return option
    return None
