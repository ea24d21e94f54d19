"""The statechart: `advance(program, state, input) -> (state, commands)`.

It decides what an input leads to, and must not know who carries it out: Temporal's workflow and the simulator are two
thin shells round it. It awaits nothing, reads no clock, and sees nothing personal.

The laws
- An event is tried on exits, then on the stage's transitions in the order written, then on the step's wait_for. It fires
  at most one of them and is consumed.
- A transition takes effect at once, also in the middle of a wait. Transitions already due are taken before a stage's
  first step. Steps that run out leave the customer resting in the stage (or end the enrollment where it is final).
- `after` counts from entering the stage, `inactive` from the last such event, else from entering the journey. Guards
  are asked once, at the deadline: false spends `after` for that visit and re-arms `inactive`.
- Deadlines and events are merged in the order of their instants; at the very same instant the event wins.
- A macrostep is bounded: passing the bound ends the enrollment with the reason `loop` and says where it turned.

    MachineError            the caller broke the protocol (a bug, never a customer's doing)
      UnansweredQuestion    an input came while an answer was due
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, assert_never

from journeys import commands, inputs
from journeys.assignment import variant_of
from journeys.commands import Ask, Command, Decide, Plan, Settle
from journeys.program import (
    After,
    Branch,
    Exit,
    Go,
    GuardId,
    Inactive,
    NodeId,
    OnEvent,
    Program,
    Send,
    Set,
    Split,
    Stage,
    StageKey,
    Transition,
    Wait,
    WaitFor,
)
from journeys.state import Deadline, Question, State

STRIDES = 1_000


class MachineError(Exception):
    """The protocol between `advance` and its caller was broken."""


class UnansweredQuestion(MachineError):
    """An input came while the machine waited for an answer."""


def advance(program: Program, state: State, given: inputs.Input) -> tuple[State, tuple[Command, ...]]:
    """Take one input; return the next state and what must be done, of which only the last asks for an answer."""
    walk = _Walk(program, state)
    walk.take(given)
    walk.proceed()
    return walk.state, tuple(walk.commands)


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
            return None if state.mode == "wait" else f"no step is waited in: the customer rests in stage {state.stage!r}"
        case inputs.Leave():
            return None
        case _:
            assert_never(control)


class _Walk:
    """One call of `advance`: the state so far, and the commands collected on the way."""

    def __init__(self, program: Program, state: State) -> None:
        self.program = program
        self.state = state.copy()
        self.commands: list[Command] = []

    # -- inputs ------------------------------------------------------------------------------------------------------

    def take(self, given: inputs.Input) -> None:
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
        if not isinstance(given, inputs.EventArrived | inputs.Woke) and refusal(self.program, self.state, given):
            return
        match given:
            case inputs.EventArrived():
                self._listen(given)
            case inputs.Woke():
                self._reach(given.at)
            case inputs.Pause():
                self._decide("paused", at=given.at)
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
            until=at if overdue else state.until,
            due=overdue or state.due,
            deadlines=tuple(replace(one, at=max(one.at, at)) for one in state.deadlines),
        )
        self._decide("resumed", at=at)
        self._reach(at)
        self._settle()

    def _skip(self, at: datetime) -> None:
        assert self.state.position is not None
        self._decide("step_skipped", at=at)
        self._set(clock=max(at, self._clock))
        self._reach(at)
        self._go_on(self.program.nodes[NodeId(self.state.position)].next)

    def _reach(self, at: datetime) -> None:
        self._set(horizon=max(self._horizon, at))

    # -- the loop ----------------------------------------------------------------------------------------------------

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
            self._stride()
        else:
            return self._agenda()
        return True

    def _agenda(self) -> bool:
        """The earliest of the next event and the next deadline, if the horizon has reached it."""
        wakes_at, backlog = self.state.wakes_at, self.state.backlog
        if backlog and (wakes_at is None or backlog[0].at <= wakes_at):
            self._set(backlog=backlog[1:], clock=max(self._clock, backlog[0].at), strides=0)
            self._event(backlog[0])
            return True
        if wakes_at is None or wakes_at > self._horizon:
            return False
        if wakes_at > self._clock:
            self._set(clock=wakes_at, strides=0)
        if not any(one.at <= self._clock for one in self.state.deadlines):
            self._wait_over()
        return True

    def _stride(self) -> None:
        if self._bounded():
            self._step()

    def _bounded(self) -> bool:
        """Count a step or stage; end the enrollment where it turns round without ever waiting."""
        self._set(strides=self.state.strides + 1)
        if self.state.strides <= STRIDES:
            return True
        self._end("loop", cause="loop", turning_at=self.state.position or self.state.stage)
        return False

    # -- stages ------------------------------------------------------------------------------------------------------

    @property
    def _stage(self) -> Stage:
        return self.program.stages[StageKey(self.state.stage)]

    def _enter(self, key: StageKey, announce: Any = None) -> None:
        stage = self.program.stages[key]
        timed = [Deadline(at=self._clock + t.cause.span.elapsed, transition=index) for index, t in _after(stage)]
        self._set(
            stage=key,
            visit=self.state.visit + 1,
            since=self._clock,
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
        if stage.activity_watched and not self.state.ended:
            self._ask("entry", "the last activity", last=stage.activity_watched)

    def _entered(self, facts: inputs.Facts) -> None:
        """Arm the inactivity deadlines; those already due are fired before the first step."""
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

    def _end(self, reason: str, *, cause: str, **detail: Any) -> None:
        self._decide("ended", reason=reason, cause=cause, **detail)
        self._set(phase="ended", reason=reason, mode="rest", until=None, deadlines=(), backlog=(), paused=False)

    # -- deadlines ---------------------------------------------------------------------------------------------------

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
            case OnEvent():
                raise MachineError("an event has no deadline")

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

    # -- events ------------------------------------------------------------------------------------------------------

    def _event(self, event: inputs.EventArrived) -> None:
        options = self._options(event.name)
        guards = tuple(guard for _, guard in options if guard is not None)
        if not options:
            return
        if not guards:
            return self._chosen(options[0][0], event)
        names = tuple(name for name, _ in options)
        self._ask("event", f"the event {event.name}", guards=guards, event=event, options=names)

    def _options(self, name: str) -> list[tuple[str, GuardId | None]]:
        """What an event may fire, in the order of the law, up to the first that asks no guard."""
        found = [(f"exit:{i}", one.guard) for i, one in enumerate(self.program.exits) if one.event == name]
        found += [(f"transition:{i}", one.guard) for i, one in _on(self._stage) if one.cause.event == name]
        node = self._waiting_in()
        if isinstance(node, WaitFor) and node.event == name:
            found.append(("wait_for", node.guard))
        return _until_certain(found)

    def _chosen(self, option: str, event: inputs.EventArrived) -> None:
        kind, _, index = option.partition(":")
        if kind == "exit":
            self._end("exited", cause="event", event=event.name, seq=event.seq)
        elif kind == "transition":
            to = self._stage.transitions[int(index)].to
            self._move(to, "event", event=event.name, seq=event.seq)
        else:
            node = self._waiting_in()
            assert isinstance(node, WaitFor)
            self._decide("matched", event=event.name, seq=event.seq)
            self._go_on(node.then)

    # -- steps -------------------------------------------------------------------------------------------------------

    def _waiting_in(self) -> Any:
        at = self.state.position
        return self.program.nodes[NodeId(at)] if self.state.mode == "wait" and at is not None else None

    def _step(self) -> None:
        assert self.state.position is not None
        node = self.program.nodes[NodeId(self.state.position)]
        match node:
            case Send():
                self._plan(node)
            case Wait(how=how):
                self._wait(node, how)
            case WaitFor(up_to=up_to):
                self._wait(node, up_to)
            case Branch():
                self._branch(node)
            case Split():
                self._split(node)
            case Set():
                self._decide("attributes_set", attributes=dict(node.attributes))
                self._go_on(node.next)
            case Go():
                self._move(node.stage, "go")
            case Exit():
                self._end(node.reason, cause="step")
            case _:
                assert_never(node)

    def _go_on(self, to: NodeId | None) -> None:
        if to is None:
            self._rest()
        else:
            self._set(position=to, mode="run", until=None, unsettled=True)

    def _plan(self, node: Send) -> None:
        number = self._asking("plan")
        state = self.state
        self.commands.append(
            Plan(
                number=number,
                at=self._clock,
                stage=state.stage,
                visit=state.visit,
                step=node.id,
                due=state.due or self._clock,
                hold=bool(state.backlog),
            )
        )

    def _planned(self, answer: inputs.Planned) -> None:
        node = self.program.nodes[NodeId(self.state.position or "")]
        self._set(due=None, clock=max(self._clock, answer.at))
        self._reach(answer.at)
        if answer.outcome == "deferred":
            self._set(mode="wait", until=answer.until, unsettled=True)
        else:
            self._go_on(node.next)

    def _wait(self, node: Wait | WaitFor, how: Any) -> None:
        if how is None:
            self._waits_until(None)
        elif hasattr(how, "needs_zone") and not how.needs_zone:
            self._waits_until(self._clock + how.elapsed)
        else:
            self._ask("wait", "the local time", until=node.id)

    def _waits_until(self, until: datetime | None) -> None:
        self._set(mode="wait", until=until, due=None, unsettled=True)

    def _wait_over(self) -> None:
        node = self._waiting_in()
        if isinstance(node, Send):
            self._set(mode="run", until=None)
        elif isinstance(node, WaitFor):
            self._decide("timed_out", event=node.event)
            self._go_on(node.otherwise)
        else:
            self._go_on(node.next)

    def _branch(self, node: Branch) -> None:
        options = _until_certain([(str(index), arm.guard) for index, arm in enumerate(node.arms)])
        guards = tuple(guard for _, guard in options if guard is not None)
        names = tuple(name for name, _ in options)
        if guards:
            self._ask("branch", "the branch", guards=guards, options=names)
        else:
            self._branched(names[0])

    def _branched(self, option: str | None) -> None:
        node = self.program.nodes[NodeId(self.state.position or "")]
        assert isinstance(node, Branch)
        arm = node.arms[int(option)] if option is not None else None
        guard = self.program.guards[arm.guard] if arm and arm.guard else None
        self._decide("branched", took=guard or ("else" if arm else "no arm"))
        self._go_on(arm.target if arm else node.next)

    def _split(self, node: Split) -> None:
        chosen = variant_of(self.state.customer, self.program.journey, node.key, node.variants)
        self._decide("held_out" if chosen.holdout else "assigned", variant=chosen.name, split=node.key)
        self._go_on(node.next if chosen.holdout else chosen.target)

    # -- questions and answers ---------------------------------------------------------------------------------------

    def _asking(self, about: Any, **what: Any) -> int:
        number = self.state.number + 1
        self._set(number=number, asking=Question(number=number, about=about, **what))
        return number

    def _ask(
        self,
        about: str,
        why: str,
        *,
        guards: Sequence[str] = (),
        last: Sequence[str] = (),
        until: str | None = None,
        event: inputs.EventArrived | None = None,
        deadline: Deadline | None = None,
        options: tuple[str, ...] = (),
    ) -> None:
        number = self._asking(about, options=options, event=event, deadline=deadline)
        self.commands.append(
            Ask(
                number=number,
                at=self._clock,
                why=why,
                stage=self.state.stage,
                visit=self.state.visit,
                step=self.state.position,
                guards=tuple(guards),
                last=tuple(last),
                until=until,
                event=event.seq if event else None,
            )
        )

    def _settle(self) -> None:
        number = self._asking("settle")
        state = self.state
        self._set(unsettled=False)
        assert state.since is not None
        self.commands.append(
            Settle(
                number=number,
                at=self._clock,
                stage=state.stage,
                visit=state.visit,
                since=state.since,
                cursor=state.cursor,
                step=state.position,
                paused=state.paused,
                reason=state.reason,
                wakes_at=state.wakes_at,
                waits_for=() if state.ended else self._waits_for(),
            )
        )

    def _waits_for(self) -> tuple[str, ...]:
        names = [one.event for one in self.program.exits]
        names += [one.cause.event for _, one in _on(self._stage)]
        node = self._waiting_in()
        if isinstance(node, WaitFor):
            names.append(node.event)
        return tuple(dict.fromkeys(names))

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

    def _told(self, asked: Question, facts: inputs.Facts) -> None:
        option = _first(asked.options, facts.holds)
        match asked.about:
            case "entry":
                self._entered(facts)
            case "deadline":
                assert asked.deadline is not None
                self._deadline_answered(asked.deadline, facts)
            case "event":
                if option is not None and asked.event is not None:
                    self._chosen(option, asked.event)
            case "branch":
                self._branched(option)
            case "wait":
                self._waits_until(facts.until)
            case _:
                raise MachineError(f"facts do not answer a question about {asked.about}")

    # -- small tools -------------------------------------------------------------------------------------------------

    @property
    def _clock(self) -> datetime:
        assert self.state.clock is not None
        return self.state.clock

    @property
    def _horizon(self) -> datetime:
        assert self.state.horizon is not None
        return self.state.horizon

    def _set(self, **changes: Any) -> None:
        """Change our own copy of the state, which nobody else sees before `advance` returns it."""
        for name, value in changes.items():
            object.__setattr__(self.state, name, value)

    def _decide(self, what: str, at: datetime | None = None, **detail: Any) -> None:
        assert what in commands.DECISIONS, what
        number = self.state.number + 1
        state = self.state
        self._set(number=number, unsettled=True)
        self.commands.append(
            Decide(
                number=number,
                at=at or self._clock,
                what=what,
                stage=state.stage,
                visit=state.visit,
                step=state.position,
                detail=detail,
            )
        )


def _by_instant(deadline: Deadline) -> tuple[datetime, int]:
    return deadline.at, deadline.transition


def _on(stage: Stage) -> list[tuple[int, Any]]:
    return [(index, one) for index, one in enumerate(stage.transitions) if isinstance(one.cause, OnEvent)]


def _after(stage: Stage) -> list[tuple[int, Transition]]:
    return [(index, one) for index, one in enumerate(stage.transitions) if isinstance(one.cause, After)]


def _until_certain(options: list[tuple[str, GuardId | None]]) -> list[tuple[str, GuardId | None]]:
    """Cut the options behind the first that holds without being asked."""
    for index, (_, guard) in enumerate(options):
        if guard is None:
            return options[: index + 1]
    return options


def _first(options: tuple[str, ...], holds: tuple[bool, ...]) -> str | None:
    """The first option whose guard holds; one more option than verdicts is the one that asks no guard."""
    for index, option in enumerate(options):
        if index >= len(holds) or holds[index]:
            return option
    return None
