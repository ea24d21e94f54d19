"""The one loop round the machine: what it yields, what it takes, and what is left when it is abandoned."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta

import pytest
from pydantic import TypeAdapter

from journeys.machine import machine
from journeys.machine.commands import Ask, Decide, Plan, Question
from journeys.machine.drive import answered, drive, follow, in_turn, proceed
from journeys.machine.inputs import Answer, Begin, EventArrived, Facts, Input, Leave, Planned, Woke
from journeys.machine.machine import UnansweredQuestion
from journeys.machine.state import State
from journeys.program.program import Program

TEXT = """
journey: j
start: a
exit: [{on: E, when: customer.gone}]
stages:
  a:
    steps: [{send: x}, {wait: 2 days}]
    transitions: [{on: E, when: customer.vip, to: b}, {on: E, when: customer.pro, to: c}]
  b: {}
  c: {}
"""
FRESH = State(customer="cus_1", enrollment="enr_1")


@pytest.fixture
def program(compiled: Callable[[str], Program]) -> Program:
    return compiled(TEXT)


def plainly(decisions: Sequence[Decide], question: Question | None) -> Answer | None:
    """Every guard is false, every mail is planned."""
    match question:
        case Ask():
            return Facts(number=question.number, holds=(False,) * len(question.guards))
        case Plan():
            return Planned(number=question.number, at=question.at, outcome="planned")
        case None:
            return None


def test_it_yields_decisions_with_a_question_and_returns_the_state(program: Program, noon: datetime) -> None:
    driving, told = drive(program, FRESH, in_turn([Begin(at=noon)])), []
    reached = proceed(driving)
    while not isinstance(reached, State):
        decisions, question = reached
        told.append(([one.what for one in decisions], question.kind if question is not None else None))
        reached = proceed(driving, plainly(decisions, question))
    assert told == [(["entered"], "plan")]
    assert (reached.position, reached.wakes_at, reached.asking) == ("a/wait:2 days", noon + timedelta(days=2), None)


def test_who_abandons_it_has_the_first_state_as_it_was(program: Program, noon: datetime) -> None:
    before = answered(drive(program, FRESH, in_turn([Begin(at=noon)])), plainly)
    kept, later = before.copy(), noon + timedelta(days=2)
    driving = drive(program, before, in_turn([Woke(at=later)]))
    proceed(driving)
    driving.close()
    assert before == kept
    assert answered(drive(program, before, in_turn([Woke(at=later)])), plainly).mode == "rest"


def test_what_the_answering_raises_is_passed_on(program: Program, noon: datetime) -> None:
    def dies(decisions: Sequence[Decide], question: Question | None) -> Answer:
        raise StopIteration("nobody answers")

    with pytest.raises(StopIteration, match="nobody answers"):
        answered(drive(program, FRESH, in_turn([Begin(at=noon)])), dies)


def test_the_answer_to_another_question_is_refused(program: Program, noon: datetime) -> None:
    driving = drive(program, FRESH, in_turn([Begin(at=noon)]))
    proceed(driving)
    with pytest.raises(UnansweredQuestion, match="does not answer command 2"):
        proceed(driving, Planned(number=1, at=noon, outcome="planned"))


def test_inputs_are_taken_one_by_one_and_none_behind_the_end(program: Program, noon: datetime) -> None:
    taken: list[str] = []

    def given() -> Iterator[Input]:
        for one in (Begin(at=noon), Leave(at=noon, reason="gone"), Woke(at=noon + timedelta(days=9))):
            taken.append(one.kind)
            yield one

    assert answered(drive(program, FRESH, in_turn(given())), plainly).reason == "gone"
    assert taken == ["begin", "leave"]


@pytest.mark.parametrize(
    ("holds", "led_to"),
    [((True, True, True), "exited"), ((False, True, True), "b"), ((False, False, True), "c"), ((False,) * 3, "a")],
)
def test_a_question_that_was_left_open_is_answered_after_a_journey_through_json(
    program: Program, noon: datetime, holds: tuple[bool, ...], led_to: str
) -> None:
    """Its options are found again; those that former states carried as text are passed over."""
    begun = answered(drive(program, FRESH, in_turn([Begin(at=noon)])), plainly)
    state, commands = machine.advance(program, begun, EventArrived(at=noon + timedelta(days=1), seq=1, name="E"))
    stored = TypeAdapter(State).dump_python(state, mode="json")
    stored["asking"]["options"] = ["exit:0", "transition:0", "transition:1"]
    read = TypeAdapter(State).validate_python(stored)
    assert read == state
    reached, _ = machine.advance(program, read, Facts(number=commands[-1].number, holds=holds))
    assert (reached.reason or reached.stage) == led_to


def test_the_way_that_was_gone_elsewhere_is_followed(program: Program, noon: datetime) -> None:
    inputs = [Begin(at=noon), EventArrived(at=noon + timedelta(days=1), seq=1, name="E")]
    answers: list[Answer] = []

    def kept(decisions: Sequence[Decide], question: Question | None) -> Answer | None:
        answer = plainly(decisions, question)
        answers.extend([answer] if answer is not None else [])
        return answer

    reached = answered(drive(program, FRESH, in_turn(inputs)), kept)
    assert follow(program, FRESH, inputs, answers) == reached
    with pytest.raises(UnansweredQuestion, match="does not answer command 3"):
        follow(program, FRESH, inputs, answers[:1])
    with pytest.raises(UnansweredQuestion, match="left over"):
        follow(program, FRESH, inputs, [*answers, answers[0]])
