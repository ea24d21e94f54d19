"""The machine input by input: what it keeps, what it asks, what it refuses, and which events are too old to count."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from journeys.machine import inputs, machine
from journeys.machine.commands import Ask, Decide, Plan, Question
from journeys.machine.drive import answered, drive, in_turn
from journeys.machine.inputs import Begin, EventArrived, Facts, Leave, Merged, Move, Pause, Planned, Resume, Skip, Woke
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate
from tests.core.simulated import HEAD, Compile, moves

WAITING = HEAD + "stages: {a: {steps: [{wait: 2 days}, {send: x}], transitions: [{on: E, to: b}]}, b: {}}"


def settle(program: Program, state: State, *given: inputs.Input) -> State:
    """Feed inputs, answering every question in the plainest way."""
    return answered(drive(program, state, in_turn(given)), plainly)


def plainly(decisions: Sequence[Decide], question: Question | None) -> inputs.Answer | None:
    match question:
        case None:
            return None
        case Plan():
            return Planned(number=question.number, at=question.at, outcome="planned")
        case Ask():
            return Facts(number=question.number)


def begun(program: Program, at: datetime) -> State:
    return settle(program, State(customer="c", enrollment="e"), Begin(at=at))


def test_a_pause_keeps_the_place_and_what_came_due_is_due_on_resume(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    paused = settle(
        program, begun(program, noon), Pause(at=noon + timedelta(days=1)), Woke(at=noon + timedelta(days=5))
    )
    assert (paused.paused, paused.position, paused.wakes_at) == (True, "a/wait:2 days", None)
    resumed_at = noon + timedelta(days=6)
    state, commands = machine.advance(program, paused, Resume(at=resumed_at))
    assert ([command.kind for command in commands], state.wakes_at) == (["decide"], resumed_at)
    _, (plan,) = machine.advance(program, state, Woke(at=resumed_at))
    assert (plan.kind, plan.at, getattr(plan, "due", None)) == ("plan", resumed_at, noon + timedelta(days=2))


def test_events_of_a_pause_are_worked_off_before_the_overdue_step(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    event = EventArrived(at=noon + timedelta(days=3), seq=1, name="E")
    paused = settle(program, begun(program, noon), Pause(at=noon + timedelta(days=1)), event)
    assert (paused.stage, paused.cursor) == ("a", 0)
    assert settle(program, paused, Resume(at=noon + timedelta(days=6)), event).stage == "b"


def test_a_step_that_was_skipped_during_a_pause_goes_on_at_the_resume(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    skipped = settle(program, begun(program, noon), Pause(at=noon), Skip(at=noon + timedelta(hours=1)))
    assert (skipped.mode, skipped.position, skipped.wakes_at) == ("run", "a/send:x", None)
    resumed = settle(program, skipped, Resume(at=noon + timedelta(days=1)))
    assert resumed.wakes_at == noon + timedelta(days=1)
    assert settle(program, resumed, Woke(at=noon + timedelta(days=1))).mode == "rest"


def test_skip_goes_on_behind_the_step(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    _, commands = machine.advance(program, begun(program, noon), Skip(at=noon + timedelta(hours=1)))
    assert [command.kind for command in commands] == ["decide", "plan"]


STAGES = HEAD + (
    "stages: {a: {steps: [{wait: 2 days}], transitions: [{on: E, to: b}, {after: 9 days, to: c}]}, "
    "b: {steps: [{send: x}, {wait: 1 day}, {branch: [{if: customer.a == 1, then: [{send: y}]}]}]}, "
    "c: {final: true}}"
)


def test_whom_a_person_moves_goes_on_from_there(compiled: Compile, noon: datetime) -> None:
    program, later = compiled(STAGES), noon + timedelta(hours=1)
    moved, (told, plan) = machine.advance(program, begun(program, noon), Move(at=later, stage="b", seq=7))
    assert isinstance(told, Decide)
    assert (told.what, told.stage, told.detail) == ("moved", "a", {"to": "b", "cause": "person"})
    assert (plan.kind, plan.step, moved.visit, moved.cursor) == ("plan", "b/send:x", 2, 7)
    waits = settle(program, begun(program, noon), Move(at=later, stage="b", step="b/wait:1 day"))
    assert (waits.stage, waits.position, waits.wakes_at) == ("b", "b/wait:1 day", later + timedelta(days=1))
    again = settle(program, begun(program, noon), Move(at=later, stage="a"))
    assert (again.position, again.visit, again.wakes_at) == ("a/wait:2 days", 2, later + timedelta(days=2))
    over = settle(program, begun(program, noon), Move(at=later, stage="c"))
    assert (over.ended, over.reason) == (True, "completed")


def test_whom_a_person_moves_while_paused_stays_so_and_acts_once_it_goes_on(compiled: Compile, noon: datetime) -> None:
    program, later = compiled(STAGES), noon + timedelta(days=3)
    moved = settle(program, begun(program, noon), Pause(at=noon), Move(at=noon, stage="b", step="b/wait:1 day"))
    assert (moved.paused, moved.stage, moved.position, moved.wakes_at) == (True, "b", "b/wait:1 day", None)
    assert settle(program, moved, Resume(at=later)).wakes_at == later
    event = EventArrived(at=noon - timedelta(hours=1), seq=1, name="E")
    back = settle(program, moved, Resume(at=later), Move(at=later, stage="a"), event)
    assert back.stage == "a", "what happened elsewhere fires nothing here"


@pytest.mark.parametrize(
    ("stage", "step", "sentence"),
    [
        ("b", "b/send:y", None),
        ("d", None, "there is no stage 'd'"),
        ("a", "b/send:x", "the stage 'a' has no step 'b/send:x'"),
    ],
)
def test_nobody_is_moved_to_where_nobody_can_stand(
    compiled: Compile, noon: datetime, stage: str, step: str | None, sentence: str | None
) -> None:
    program = compiled(STAGES)
    assert machine.refusal(program, begun(program, noon), Move(at=noon, stage=stage, step=step)) == sentence


def test_leaving_ends_with_the_given_reason(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    state = settle(program, begun(program, noon), Leave(at=noon, reason="restarted"))
    assert (state.phase, state.reason, state.wakes_at) == ("ended", "restarted", None)


@pytest.mark.parametrize(
    ("control", "sentence"),
    [
        (Resume, "the enrollment is not paused"),
        (Pause, None),
        (Skip, None),
    ],
)
def test_a_refusal_says_why(compiled: Compile, noon: datetime, control: Any, sentence: str | None) -> None:
    program = compiled(WAITING)
    assert machine.refusal(program, begun(program, noon), control(at=noon)) == sentence


def test_skip_is_refused_where_nothing_is_waited_in(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{send: x}], transitions: [{on: E, to: a}]}}")
    refused = machine.refusal(program, begun(program, noon), Skip(at=noon))
    assert refused == "no step is waited in: the customer rests in stage 'a'"


def test_an_input_before_the_answer_is_a_bug_of_the_caller(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{send: x}]}}")
    state, _ = machine.advance(program, State(customer="c", enrollment="e"), Begin(at=noon))
    with pytest.raises(machine.UnansweredQuestion):
        machine.advance(program, state, Woke(at=noon))


def test_advance_leaves_the_state_it_was_given_as_it_was(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    before = begun(program, noon)
    kept = before.copy()
    machine.advance(program, before, Woke(at=noon + timedelta(days=3)))
    assert before == kept


def test_a_deferred_mail_is_planned_again_at_its_time(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{send: x}, {send: y}]}}")
    state, commands = machine.advance(program, State(customer="c", enrollment="e"), Begin(at=noon))
    later = noon + timedelta(hours=20)
    state, commands = machine.advance(
        program, state, Planned(number=commands[-1].number, at=noon, outcome="deferred", until=later)
    )
    assert (commands, state.position, state.wakes_at) == ((), "a/send:x", later)
    state, commands = machine.advance(program, state, Woke(at=later))
    assert (commands[-1].kind, commands[-1].at) == ("plan", later)


def test_an_event_before_whose_instant_a_deadline_is_open_is_a_bug_of_the_caller(
    compiled: Compile, noon: datetime
) -> None:
    """After a downtime the wait ended on day 2 and an order came on day 3: the wait's end goes first."""
    program, event = compiled(WAITING), EventArrived(at=noon + timedelta(days=3), seq=1, name="E")
    with pytest.raises(machine.OutOfOrder, match="event 1 came before the deadline at 2026-03-04T12:00"):
        machine.advance(program, begun(program, noon), event)


def test_a_late_mail_passes_over_no_event(compiled: Compile, noon: datetime) -> None:
    """The mail of day 1 is planned on day 5. The order of day 3 comes before what was due on day 4."""
    program = compiled(
        HEAD + "stages: {a: {steps: [{wait: 1 day}, {send: x}], transitions: [{after: 4 days, to: b}, {on: E, to: c}]},"
        " b: {}, c: {}}"
    )
    state, (plan,) = machine.advance(program, begun(program, noon), Woke(at=noon + timedelta(days=1)))
    late = Planned(number=plan.number, at=noon + timedelta(days=5), outcome="planned")
    state, _ = machine.advance(program, state, late)
    assert (state.stage, state.wakes_at) == ("a", noon + timedelta(days=4))
    assert settle(program, state, EventArrived(at=noon + timedelta(days=3), seq=1, name="E")).stage == "c"


def test_a_merge_changes_how_events_are_counted_and_nothing_else(compiled: Compile, noon: datetime) -> None:
    program = compiled(WAITING)
    before = begun(program, noon)
    assert settle(program, before, Merged(at=noon, seq=40)) == replace(before, cursor=40)
    assert settle(program, State(customer="c", enrollment="e"), Merged(at=noon, seq=40)).cursor == 40


# -- what happened before one stood there ------------------------------------------------------------------------------

STEPS = "stages: {a: {steps: [{wait: 1 day}, {wait_for: {event: F, up_to: 5 days}}, {send: x}], transitions: [{after: 9 days, to: b}]}, b: {transitions: [{on: F, to: c}]}, c: {}}"


def test_an_event_from_before_the_wait_began_ends_no_wait(compiled: Compile, noon: datetime) -> None:
    """Events above the cursor that nobody waited for then: those from before the turn fire nothing."""
    program = compiled(HEAD + STEPS)
    waiting = settle(program, begun(program, noon), Woke(at=noon + timedelta(days=1)))
    old = EventArrived(at=noon + timedelta(hours=12), seq=1, name="F")
    state, commands = machine.advance(program, waiting, old)
    assert (state.position, state.mode, commands) == ("a/wait_for:F", "wait", ())


def test_an_event_from_while_the_wait_was_made_ready_counts(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + STEPS)
    waiting = settle(program, begun(program, noon), Woke(at=noon + timedelta(days=1)))
    meanwhile = EventArrived(at=noon + timedelta(days=1, milliseconds=20), seq=1, name="F")
    _, commands = machine.advance(program, waiting, meanwhile)
    assert [one.kind for one in commands] == ["decide", "plan"]


def test_an_event_from_before_the_stage_was_entered_moves_nobody_on(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + STEPS.replace("up_to: 5 days", "up_to: 20 days"))
    waiting = settle(program, begun(program, noon), Woke(at=noon + timedelta(days=1)))
    moved = settle(program, waiting, Woke(at=noon + timedelta(days=9)))
    state, commands = machine.advance(program, moved, EventArrived(at=noon + timedelta(days=8), seq=1, name="F"))
    assert (state.stage, commands) == ("b", ())


def test_a_control_comes_in_the_order_of_its_instant(compiled: Compile, noon: datetime) -> None:
    program, day = compiled(WAITING), timedelta(days=1)
    recorded = [RecordedEvent(seq=1, name="E", at=noon + day)]
    state = State(customer="c", enrollment="e")
    for leave_at, reason in ((noon + day / 2, "restarted"), (noon + 2 * day, "restarted")):
        trace = simulate(program, state, PastFacts(recorded, {}), noon, noon + 3 * day, leave_at=leave_at)
        assert trace.state.reason == reason
        assert moves(trace) == (["a->b by event"] if leave_at > noon + day else [])
