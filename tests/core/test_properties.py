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
from journeys.machine.ahead import next_input
from journeys.machine.commands import Ask, Command, Decide, Plan, Question
from journeys.machine.drive import answered, drive, follow
from journeys.machine.inputs import Facts, Planned
from journeys.machine.state import State
from journeys.program.compiler import compile_journey
from journeys.program.program import Program
from journeys.simulation.simulator import Recorded, RecordedEvent

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
        answer: inputs.Input | inputs.Answer | None = given
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


def recorded(history: list[tuple[int, str]], until: datetime) -> Recorded:
    """The history as what is ahead of an enrollment."""
    events = [
        RecordedEvent(at=START + timedelta(minutes=minute), seq=seq, name=name)
        for seq, (minute, name) in enumerate(sorted(history), start=1)
    ]
    return Recorded(events, until, None)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs(), history=histories, draw=st.data(), repeat=st.booleans())
def test_the_promises_hold_for_any_journey(
    program: Program, history: list[tuple[int, str]], draw: st.DataObject, repeat: bool
) -> None:
    shell, until = Shell(program, draw, repeat), START + timedelta(days=90)
    ahead = recorded(history, until)
    while (given := next_input(program, shell.state, ahead, until)) is not None and not shell.state.ended:
        shell.feed(given)
        if repeat and given.kind != "woke":
            shell.feed(given)
        shell.check()
    assert shell.state.ended or shell.state.wakes_at is None or shell.state.wakes_at > until


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(program=programs(), history=histories)
def test_waking_often_or_once_leads_to_the_same_place(program: Program, history: list[tuple[int, str]]) -> None:
    """Deadlines and events come in the order of their instants, so it must not matter how often somebody looks."""
    end, state = START + timedelta(days=61), State(customer="cus_1", enrollment="enr_1", entered_at=START)
    once = _plain(program, state, history, end)
    for number in range(210):
        now = START + timedelta(hours=7 * number)
        state = _plain(program, state, [one for one in history if START + timedelta(minutes=one[0]) <= now], now)
    assert _plain(program, state, history, end) == once


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(program=programs(), history=histories, draw=st.data())
def test_the_same_inputs_with_the_same_answers_lead_to_the_same_state(
    program: Program, history: list[tuple[int, str]], draw: st.DataObject
) -> None:
    """So what is carried out in one place can be followed in another; whole, or an input at a time."""
    until, fresh = START + timedelta(days=90), State(customer="cus_1", enrollment="enr_1")
    ahead, shell = recorded(history, until), Shell(program, draw, False)
    put_in: list[inputs.Input] = []
    told: list[list[inputs.Answer]] = []

    def following(state: State) -> inputs.Input | None:
        given = next_input(program, state, ahead, until)
        put_in.extend([given] if given is not None else [])
        told.append([])
        return given

    def answer(decisions: Sequence[Decide], question: Question | None) -> inputs.Answer | None:
        answered = shell.answer((*decisions, *([question] if question is not None else [])))
        told[-1].extend([answered] if answered is not None else [])
        return answered

    reached = answered(drive(program, fresh, following), answer)
    assert follow(program, fresh, put_in, [one for each in told for one in each]) == reached
    state = fresh
    for given_one, answers in zip(put_in, told, strict=False):
        state = follow(program, state, [given_one], answers)
    assert state == reached


def _plain(program: Program, state: State, history: list[tuple[int, str]], now: datetime) -> State:
    """Go on up to `now` with guards true and every event absent from the aggregates."""
    ahead = recorded(history, now)
    return answered(drive(program, state, lambda state: next_input(program, state, ahead, now)), _plainly)


def _plainly(decisions: Sequence[Decide], question: Question | None) -> inputs.Answer | None:
    match question:
        case Plan():
            return Planned(number=question.number, at=question.at, outcome="planned")
        case Ask():
            return Facts(
                number=question.number,
                holds=(True,) * len(question.guards),
                last=(None,) * len(question.last),
                until=question.at + timedelta(hours=5),
            )
        case None:
            return None
