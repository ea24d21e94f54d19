"""Hypothesis drives the core through journeys, customers and events that nobody thought of.

For every case: no step runs twice in a visit, nobody is in two stages, each run ends or waits, the state survives JSON
between every two inputs, and inputs that come twice change nothing.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from journeys.checks import source
from journeys.machine import inputs, machine
from journeys.machine.commands import Ask, Command, Decide, Plan, Question, Settle
from journeys.machine.drive import answered, drive
from journeys.machine.inputs import Begin, EventArrived, Facts, Planned, Settled, Woke
from journeys.machine.state import State
from journeys.program.compiler import compile_journey
from journeys.program.program import Program

START = datetime(2026, 1, 1, tzinfo=UTC)
STAGES = ("a", "b", "c")
EVENTS = ("E", "F", "G")
LASTING = ("customer.vip", 'customer.events["E"].count >= 2', "customer.level == 1")
STATE: TypeAdapter[State] = TypeAdapter(State)
COMMAND: TypeAdapter[Command] = TypeAdapter(Command)

days = st.integers(1, 9).map(lambda number: f"{number} days")


def simple_steps() -> st.SearchStrategy[dict[str, Any]]:
    return st.one_of(
        st.sampled_from([{"send": "x"}, {"send": "y"}, {"set": {"level": 1}}]),
        days.map(lambda span: {"wait": span}),
        st.sampled_from(["09:00", "23:30"]).map(lambda at: {"wait": {"until": at}}),
        st.sampled_from(
            [{"enroll": "other"}, {"webhook": "https://example.com/"}, {"notify": {"email": "a@b.co", "text": "x"}}]
        ),
    )


def steps() -> st.SearchStrategy[list[dict[str, Any]]]:
    def around(inner: st.SearchStrategy[list[dict[str, Any]]]) -> st.SearchStrategy[list[dict[str, Any]]]:
        wait_for = st.builds(
            lambda event, span, then, other: {"wait_for": {"event": event, "up_to": span, "then": then, "else": other}},
            st.sampled_from(EVENTS), days, inner, inner,
        )  # fmt: skip
        branch = st.builds(
            lambda then, other: {"branch": [{"if": "customer.vip", "then": then}, {"else": other}]}, inner, inner
        )
        turning = st.builds(
            lambda guard, span, then: {"wait_for": {"when": guard, "up_to": span, "then": then}},
            st.sampled_from(LASTING), days, inner,
        )  # fmt: skip
        return st.lists(st.one_of(simple_steps(), wait_for, turning, branch), max_size=3)

    return st.recursive(st.lists(simple_steps(), max_size=3), around, max_leaves=4)


def transitions() -> st.SearchStrategy[list[dict[str, Any]]]:
    to = st.sampled_from(STAGES)
    guard = st.sampled_from([{}, {"when": "customer.vip"}])
    return st.lists(
        st.one_of(
            st.builds(lambda e, t, g: {"on": e, "to": t, **g}, st.sampled_from(EVENTS), to, guard),
            st.builds(lambda g, t: {"when": g, "to": t}, st.sampled_from(LASTING), to),
            st.builds(lambda d, t, g: {"after": d, "to": t, **g}, days, to, guard),
            st.builds(
                lambda d, e, t, g: {"inactive": d, "of": e, "to": t, **g}, days, st.sampled_from(EVENTS), to, guard
            ),
        ),
        max_size=3,
    )


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A journey of three stages, all of which are reached."""
    ways = [{"on": "To b", "to": "b"}, {"on": "To c", "to": "c"}]
    stages = {key: {"steps": draw(steps()), "transitions": draw(transitions())} for key in STAGES}
    stages["a"]["transitions"] += ways
    definition = {"journey": "j", "start": "a", "exit": [{"on": "Stop"}], "stages": stages}
    return compile_journey(source.check(definition)[0])


histories = st.lists(
    st.tuples(st.integers(1, 60 * 24 * 60), st.sampled_from([*EVENTS, "To b", "To c", "Stop"])), max_size=8
)


class Shell:
    """A third shell: answers by chance, checks the promises, and may repeat or serialise everything."""

    def __init__(self, program: Program, draw: st.DataObject, repeat: bool) -> None:
        self.program, self.draw, self.repeat = program, draw, repeat
        self.state = State(customer="cus_1", enrollment="enr_1")
        self.planned: list[tuple[str, int]] = []
        self.numbers: list[int] = []

    def feed(self, given: inputs.Input) -> None:
        before = self.state
        answer: inputs.Input | None = given
        while answer is not None:
            self.state, commands = machine.advance(
                self.program, STATE.validate_json(STATE.dump_json(self.state)), answer
            )
            answer = self.answer(commands)
        assert self.state.visit >= before.visit
        assert self.state.asking is None

    def answer(self, commands: tuple[Command, ...]) -> inputs.Answer | None:
        for command in commands:
            assert COMMAND.validate_json(COMMAND.dump_json(command)) == command
            self.numbers.append(command.number)
            assert isinstance(command, Decide) or command is commands[-1], "only the last command asks"
        match commands[-1] if commands else None:
            case Plan() as plan:
                self.planned.append((plan.step, plan.visit))
                return Planned(
                    number=plan.number, at=plan.at, outcome=self.draw.draw(st.sampled_from(["planned", "skipped"]))
                )
            case Settle() as settle:
                return Settled(number=settle.number, cursor=settle.cursor)
            case Ask() as ask:
                holds = tuple(self.draw.draw(st.booleans()) for _ in ask.guards)
                last = tuple(self.draw.draw(st.sampled_from([None, START])) for _ in ask.last)
                return Facts(number=ask.number, holds=holds, last=last, until=ask.at + timedelta(hours=5))
            case _:
                return None

    def check(self) -> None:
        state = self.state
        assert len(self.planned) == len(set(self.planned)), "a step ran twice in one visit"
        assert self.numbers == list(range(1, len(self.numbers) + 1)), "commands are numbered without a gap"
        if state.ended:
            assert state.wakes_at is None
            assert state.reason in ("exited", "loop")
        else:
            assert state.stage in STAGES
            assert state.mode == "rest" or state.position is not None
            assert state.wakes_at is None or state.horizon is None or state.wakes_at > state.horizon
            assert not state.unsettled


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs(), history=histories, draw=st.data(), repeat=st.booleans())
def test_the_promises_hold_for_any_journey(
    program: Program, history: list[tuple[int, str]], draw: st.DataObject, repeat: bool
) -> None:
    shell = Shell(program, draw, repeat)
    given: list[inputs.Input] = [Begin(at=START)]
    for seq, (minute, name) in enumerate(sorted(history), start=1):
        given.append(EventArrived(at=START + timedelta(minutes=minute), seq=seq, name=name))
    given.append(Woke(at=START + timedelta(days=90)))
    for one in given:
        shell.feed(one)
        if repeat:
            shell.feed(one)
        shell.check()


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(program=programs(), history=histories)
def test_waking_often_or_once_leads_to_the_same_place(program: Program, history: list[tuple[int, str]]) -> None:
    """Deadlines are merged by their instants, so it must not matter how often somebody looks."""
    events = [
        EventArrived(at=START + timedelta(minutes=minute), seq=seq, name=name)
        for seq, (minute, name) in enumerate(sorted(history), start=1)
    ]
    end = START + timedelta(days=61)
    once = _plain(program, [Begin(at=START), *events, Woke(at=end)])
    often: list[inputs.Input] = [Begin(at=START)]
    ticks = [Woke(at=START + timedelta(hours=7 * number)) for number in range(1, 200)]
    rank = {"event": 0, "woke": 1}
    often += sorted([*events, *ticks], key=lambda one: (one.at, rank[one.kind]))
    looked = _plain(program, [*often, Woke(at=end)])
    assert (once.phase, once.stage, once.visit, once.position, once.since) == (
        looked.phase, looked.stage, looked.visit, looked.position, looked.since,
    )  # fmt: skip


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs(), history=histories, draw=st.data())
def test_the_same_inputs_with_the_same_answers_lead_to_the_same_state(
    program: Program, history: list[tuple[int, str]], draw: st.DataObject
) -> None:
    """So what is carried out in one place can be followed in another; whole, or an input at a time."""
    given: list[inputs.Input] = [Begin(at=START)]
    for seq, (minute, name) in enumerate(sorted(history), start=1):
        given.append(EventArrived(at=START + timedelta(minutes=minute), seq=seq, name=name))
    given.append(Woke(at=START + timedelta(days=90)))
    fresh, shell, recorded = State(customer="cus_1", enrollment="enr_1"), Shell(program, draw, False), []

    def recording(decisions: Sequence[Decide], question: Question) -> inputs.Answer:
        recorded.append(shell.answer((*decisions, question)))
        return recorded[-1]

    reached = answered(drive(program, fresh, given), recording)
    whole = iter(recorded)
    assert answered(drive(program, fresh, given), lambda *_: next(whole)) == reached
    state, apart = fresh, iter(recorded)
    for one in given:
        state = answered(drive(program, state, [one]), lambda *_: next(apart))
    assert state == reached
    assert list(whole) == list(apart) == []


def _plain(program: Program, given: list[inputs.Input]) -> State:
    """Run with guards true and every event absent from the aggregates."""
    return answered(drive(program, State(customer="cus_1", enrollment="enr_1"), given), _plainly)


def _plainly(decisions: Sequence[Decide], question: Question) -> inputs.Answer:
    match question:
        case Plan():
            return Planned(number=question.number, at=question.at, outcome="planned")
        case Settle():
            return Settled(number=question.number, cursor=question.cursor)
        case Ask():
            return Facts(
                number=question.number,
                holds=(True,) * len(question.guards),
                last=(None,) * len(question.last),
                until=question.at + timedelta(hours=5),
            )
