"""The statechart: `advance(program, state, input) -> (state, commands)`.

It decides what an input leads to, and must not know who carries it out: Temporal's workflow and the simulator are two
thin shells round it. It awaits nothing, reads no clock, and sees nothing personal.

The laws
- An event is tried on exits, then on the stage's transitions in the order written, then on the step's wait_for. It
  fires at most one of them and is consumed.
- A transition takes effect at once, also in the middle of a wait. Transitions already due are taken before a stage's
  first step. Steps that run out leave the customer resting in the stage (or end the enrollment where it is final).
- A transition by guard alone is asked on entering its stage, and again when an event comes that its guard reads.
- `after` counts from entering the stage, `inactive` from the last such event, else from entering the journey. Guards
  are asked once, at the deadline: false spends `after` for that visit and re-arms `inactive`.
- Deadlines and events are merged in the order of their instants; at the very same instant the event wins.
- A macrostep is bounded: passing the bound ends the enrollment with the reason `loop` and says where it turned.

    MachineError            the caller broke the protocol (a bug, never a customer's doing)
      UnansweredQuestion    an input came while an answer was due
"""

from dataclasses import replace
from datetime import datetime
from typing import assert_never

from journeys.machine import inputs
from journeys.machine.commands import Command, Decide, Question
from journeys.machine.state import Deadline, OpenQuestion, State
from journeys.machine.steps import Steps
from journeys.program.program import Program

Asked = tuple[tuple[Decide, ...], Question]
"""Decisions to record, and the question behind them."""


class MachineError(Exception):
    """The protocol between `advance` and its caller was broken."""


class UnansweredQuestion(MachineError):
    """An input came while the machine waited for an answer."""


def advance(program: Program, state: State, given: inputs.Input) -> tuple[State, tuple[Command, ...]]:
    """Take one input; return the next state and what must be done, of which only the last asks for an answer."""
    machine = Machine(program, state)
    asked = machine.feed(given)
    return machine.state, (*asked[0], asked[1]) if asked is not None else ()


def refusal(state: State, control: inputs.Control) -> str | None:
    """Why a control is refused, as a sentence, or None where it is accepted."""
    if state.ended:
        return f"the enrollment has ended ({state.reason})"
    match control:
        case inputs.Pause():
            return "the enrollment is paused already" if state.paused else None
        case inputs.Resume():
            return None if state.paused else "the enrollment is not paused"
        case inputs.Skip():
            return (
                None if state.mode == "wait" else f"no step is waited in: the customer rests in stage {state.stage!r}"
            )
        case inputs.Leave():
            return None
        case _:
            assert_never(control)


class Machine(Steps):
    """A state that is fed with inputs. It works on a copy, so whoever holds the first state keeps it."""

    def feed(self, given: inputs.Input) -> Asked | None:
        """Take one input and go as far as it leads; return what is asked then, None where nothing is."""
        self.take(given)
        self.proceed()
        if self.question is None:
            return None
        asked = tuple(self.decisions), self.question
        self.decisions.clear()
        self.question = None
        return asked

    def take(self, given: inputs.Input) -> None:
        """Work off an input, or an answer to the open question, as far as it goes.

        Raise UnansweredQuestion where something else than the answer comes while a question is open.
        """
        if isinstance(given, inputs.Facts | inputs.Planned | inputs.Settled):
            self._answered(given)
        elif self.state.asking is not None:
            raise UnansweredQuestion(f"{given.kind} came before the answer to command {self.state.asking.number}")
        elif isinstance(given, inputs.Begin):
            self._begin(given.at)
        elif self.state.phase == "live":
            self._hear(given)

    def _begin(self, at: datetime) -> None:
        if self.state.phase != "new":
            return
        self._set(phase="live", entered_at=at, clock=at, horizon=at)
        self._enter(self.program.start, lambda: self._decide("entered"))

    def _hear(self, given: inputs.EventArrived | inputs.Woke | inputs.Control) -> None:
        if not isinstance(given, inputs.EventArrived | inputs.Woke) and refusal(self.state, given):
            return
        match given:
            case inputs.EventArrived():
                self._listen(given)
            case inputs.Woke():
                self._reach(given.at)
            case inputs.Pause():
                self._decide("paused", at=given.at, **({"by": given.by} if given.by != "person" else {}))
                self._set(paused=True)
            case inputs.Resume():
                self._resume(given.at)
            case inputs.Skip():
                self._skip(given.at)
            case inputs.Leave():
                self._reach(given.at)
                self._set(clock=given.at)
                self._end(given.reason, cause="person")
            case _:
                assert_never(given)

    def _listen(self, event: inputs.EventArrived) -> None:
        """Events at or below the cursor are repeats; while paused they are left for `Settled` to bring on resume."""
        if event.seq <= self.state.cursor or self.state.paused:
            return
        backlog = sorted((*self.state.backlog, event), key=lambda one: (one.at, one.seq))
        self._set(cursor=event.seq, backlog=tuple(backlog))
        self._reach(event.at)

    def _resume(self, at: datetime) -> None:
        """What came due during the pause is due now, so that the events recorded meanwhile are worked off first."""
        state = self.state
        overdue = state.until if state.mode == "wait" and state.until and state.until < at else None
        self._set(
            paused=False,
            turn=at,
            until=at if overdue else state.until,
            due=overdue or state.due,
            deadlines=tuple(replace(one, at=max(one.at, at)) for one in state.deadlines),
        )
        self._decide("resumed", at=at)
        self._reach(at)
        self._settle()

    # -- the loop ------------------------------------------------------------------------------------------------------

    def proceed(self) -> None:
        """Work off everything up to the horizon; stop at a question or when nothing is left to do."""
        while self.state.asking is None:
            state = self.state
            if state.phase == "live" and not state.paused and self._work():
                continue
            if not state.unsettled:
                return
            self._settle()

    def _work(self) -> bool:
        """Do the next thing; False where there is none yet."""
        state = self.state
        due = min((one for one in state.deadlines if one.at <= self._clock), key=_by_instant, default=None)
        if due is not None:
            self._fire(due)
        elif state.mode == "run":
            self._step()
        else:
            return self._agenda()
        return True

    def _agenda(self) -> bool:
        """The earliest of the next event and the next deadline, if the horizon has reached it."""
        wakes_at, backlog = self.state.wakes_at, self.state.backlog
        if backlog and (wakes_at is None or backlog[0].at <= wakes_at):
            self._set(backlog=backlog[1:], clock=max(self._clock, backlog[0].at), turn=backlog[0].at, strides=0)
            self._event(backlog[0])
            return True
        if wakes_at is None or wakes_at > self._horizon:
            return False
        self._set(turn=wakes_at)
        if wakes_at > self._clock:
            self._set(clock=wakes_at, strides=0)
        if not any(one.at <= self._clock for one in self.state.deadlines):
            self._wait_over()
        return True

    # -- answers -------------------------------------------------------------------------------------------------------

    def _answered(self, answer: inputs.Answer) -> None:
        asked = self.state.asking
        if asked is None or answer.number != asked.number:
            return
        self._set(asking=None)
        if isinstance(answer, inputs.Planned):
            self._planned(answer)
        elif isinstance(answer, inputs.Settled):
            for event in answer.events:
                self._listen(event)
            self._set(cursor=max(self.state.cursor, answer.cursor) if not self.state.paused else self.state.cursor)
        else:
            self._told(asked, answer)

    def _told(self, asked: OpenQuestion, facts: inputs.Facts) -> None:
        match asked.about:
            case "entry":
                self._entered(facts)
            case "changed":
                self._moved_by_guard(facts)
            case "wait_for":
                self._wait_for_answered(all(facts.holds))
            case "deadline":
                assert asked.deadline is not None
                self._deadline_answered(asked.deadline, facts)
            case "event":
                assert asked.event is not None
                self._event_answered(asked.event, facts.holds)
            case "branch":
                self._branch_answered(facts.holds)
            case "wait":
                self._waits_until(facts.until)
            case _:
                raise MachineError(f"facts do not answer a question about {asked.about}")


def _by_instant(deadline: Deadline) -> tuple[datetime, int]:
    return deadline.at, deadline.transition
