"""The statechart: `advance(program, state, input) -> (state, commands)`.

It decides what an input leads to, and must not know who carries it out: Temporal's workflow and the simulator are two
thin shells round it. It awaits nothing, reads no clock, and sees nothing personal.

The laws
- An event is tried on exits, then on the stage's transitions in the order written, then on the step's wait_for. It
  fires at most one of them and is consumed.
- A transition takes effect at once, also in the middle of a wait. Transitions already due are taken before a stage's
  first step. Steps that run out leave the customer resting in the stage (or end the enrollment where it is final).
- Whoever was moved to another version is asked the guards of its stage again, and ends where it rests in a final one.
- A transition by guard alone is asked on entering its stage, and again when an event comes that its guard reads.
- `after` counts from entering the stage, `inactive` from the last such event, else from entering the journey. Guards
  are asked once, at the deadline: false spends `after` for that visit and re-arms `inactive`.
- Deadlines and events come in the order of their instants (`ahead.next_input` gives them so); at the very same instant
  the event wins.
- Whom a person moves enters the stage as by `go`, at the step that was named, with a new visit: its mails may go again.
- A macrostep is bounded: passing the bound ends the enrollment with the reason `loop` and says where it turned.

    MachineError            the caller broke the protocol (a bug, never a customer's doing)
      UnansweredQuestion    an input came while an answer was due
      OutOfOrder            an event came though a deadline before it was not worked off
"""

from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, assert_never

from journeys.machine import inputs
from journeys.machine.commands import Command, Decide, Question
from journeys.machine.state import Deadline, OpenQuestion, State
from journeys.machine.steps import Steps
from journeys.program.nodes import StageKey
from journeys.program.program import Program

LiveInput = inputs.EventArrived | inputs.Woke | inputs.Addressed | inputs.Control | inputs.Migrated
"""Inputs that somebody who is under way hears."""


class Asked(NamedTuple):
    """Decisions to record, and the question behind them; None where nothing is asked any more."""

    decisions: tuple[Decide, ...]
    question: Question | None


class MachineError(Exception):
    """The protocol between `advance` and its caller was broken."""


class UnansweredQuestion(MachineError):
    """An input came while the machine waited for an answer."""


class OutOfOrder(MachineError):
    """An event came though a deadline before it was not worked off."""


def advance(program: Program, state: State, given: inputs.Input | inputs.Answer) -> tuple[State, tuple[Command, ...]]:
    """Take one input or answer; return the next state and what must be done: only the last of it asks for an answer."""
    machine = Machine(program, state)
    asked = machine.feed(given)
    if asked is None:
        return machine.state, ()
    return machine.state, (*asked.decisions, *([asked.question] if asked.question is not None else ()))


def misplaced(program: Program, stage: str, step: str | None) -> str | None:
    """Why nobody can stand there, as a sentence; None where somebody can."""
    if stage not in program.stages:
        return f"there is no stage {stage!r}"
    if step is not None and step not in program.steps_of(StageKey(stage)):
        return f"the stage {stage!r} has no step {step!r}"
    return None


def refusal(program: Program, state: State, control: inputs.Control) -> str | None:
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
        case inputs.Move():
            return misplaced(program, control.stage, control.step)
        case inputs.Leave():
            return None
        case _:
            assert_never(control)


class Machine(Steps):
    """A state that is fed with inputs. It works on a copy, so whoever holds the first state keeps it."""

    def feed(self, given: inputs.Input | inputs.Answer) -> Asked | None:
        """Take one input and go as far as it leads; return what was decided and is asked, None where nothing is."""
        self.take(given)
        if not isinstance(given, inputs.Resume):
            self._run()
        if self.question is None and not self.decisions:
            return None
        asked = Asked(tuple(self.decisions), self.question)
        self.decisions.clear()
        self.question = None
        return asked

    def take(self, given: inputs.Input | inputs.Answer) -> None:
        """Work off an input, or an answer to the open question; steps that it leads to are left to run.

        Raise UnansweredQuestion where something else than the answer comes while a question is open.
        """
        if isinstance(given, inputs.Answer):
            self._answered(given)
        elif self.state.asking is not None:
            raise UnansweredQuestion(f"{given.kind} came before the answer to command {self.state.asking.number}")
        elif isinstance(given, inputs.Begin):
            self._begin(given.at)
        elif isinstance(given, inputs.Merged):
            self._set(cursor=given.seq)
        elif self.state.phase == "live" and not self._refuses(given):
            self._hear(given)

    def _run(self) -> None:
        """Run steps until one waits or asks; what is due in the stage comes before them."""
        while self.state.mode == "run" and self.state.asking is None and not self.state.paused:
            due = self._due_by(min(self._clock, self._horizon))
            if due is not None:
                self._fire(due)
            else:
                self._step()

    def _due_by(self, at: datetime) -> Deadline | None:
        """The stage's earliest deadline that has come by this instant."""
        return min((one for one in self.state.deadlines if one.at <= at), key=_by_instant, default=None)

    def _begin(self, at: datetime) -> None:
        if self.state.phase != "new":
            return
        self._set(phase="live", entered_at=at, clock=at, horizon=at)
        self._enter(self.program.start, lambda: self._decide("entered"))

    def _refuses(self, given: LiveInput) -> bool:
        return isinstance(given, inputs.Control) and refusal(self.program, self.state, given) is not None

    def _hear(self, given: LiveInput) -> None:
        match given:
            case inputs.EventArrived():
                self._listen(given)
            case inputs.Woke():
                self._wake(given)
            case inputs.Addressed():
                self._addressed(given)
            case inputs.Migrated():
                self._migrated(given.at)
            case inputs.Pause():
                self._decide("paused", at=given.at, **({"by": given.by} if given.by != "person" else {}))
                self._set(paused=True)
            case inputs.Resume():
                self._resume(given)
            case inputs.Skip():
                self._set(cursor=max(self.state.cursor, given.seq))
                self._skip(given.at)
            case inputs.Move():
                self._set(cursor=max(self.state.cursor, given.seq))
                self._put(given)
            case inputs.Leave():
                self._reach(given.at)
                self._end(given.reason, cause="person")
            case _:
                assert_never(given)

    def _listen(self, event: inputs.EventArrived) -> None:
        """Events at or below the cursor are repeats; while paused they are left to come behind the resume."""
        if event.seq <= self.state.cursor or self.state.paused:
            return
        if self.state.wakes_at is not None and self.state.wakes_at < event.at:
            raise OutOfOrder(f"event {event.seq} came before the deadline at {self.state.wakes_at.isoformat()}")
        self._reach(event.at)
        self._set(cursor=event.seq, turn=event.at, strides=0)
        self._event(event)

    def _wake(self, woke: inputs.Woke) -> None:
        """Work off the one deadline that is due, if there is one: others may wait behind an event."""
        wakes_at = self.state.wakes_at
        if wakes_at is None or wakes_at > woke.at:
            return
        self._reach(wakes_at)
        self._set(cursor=max(self.state.cursor, woke.seq), turn=wakes_at)
        due = self._due_by(wakes_at)
        if due is not None:
            self._fire(due)
        elif self.state.mode == "wait":
            self._wait_over()

    def _addressed(self, given: inputs.Addressed) -> None:
        """The mail that waits for an address is planned again."""
        if self.state.paused or self.state.mode != "wait" or self.state.awaits is None:
            return
        self._reach(given.at)
        self._set(cursor=max(self.state.cursor, given.seq), turn=given.at, mode="run", until=None)

    def _migrated(self, at: datetime) -> None:
        self._reach(at)
        self._set(turn=at, strides=0)
        if self.state.paused:
            return
        if self.state.mode == "rest":
            self._rest()
        if not self.state.ended and self._stage.by_guard:
            self._ask_by_guard("changed", "what holds in another version")

    def _resume(self, given: inputs.Resume) -> None:
        """What came due during the pause is due now, behind the events recorded meanwhile: so nothing is done yet."""
        state, at = self.state, given.at
        overdue = state.until if state.mode == "wait" and state.until and state.until < at else None
        self._set(
            paused=False,
            turn=at,
            until=at if overdue else state.until,
            due=overdue or state.due,
            deadlines=tuple(replace(one, at=max(one.at, at)) for one in state.deadlines),
            clock=at if state.mode == "run" else state.clock,
        )
        self._decide("resumed", at=at, **({"late": given.late} if given.late else {}))

    # -- answers -------------------------------------------------------------------------------------------------------

    def _answered(self, answer: inputs.Answer) -> None:
        asked = self.state.asking
        if asked is None or answer.number != asked.number:
            return
        self._set(asking=None)
        match answer:
            case inputs.Planned():
                self._planned(answer)
            case inputs.Assigned():
                self._assigned(answer)
            case inputs.Facts():
                self._told(asked, answer)
            case _:
                assert_never(answer)

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
                self._wait_answered(facts)
            case _:
                raise MachineError(f"facts do not answer a question about {asked.about}")


def _by_instant(deadline: Deadline) -> tuple[datetime, int]:
    return deadline.at, deadline.transition
