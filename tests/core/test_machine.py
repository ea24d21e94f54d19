"""The laws of the statechart, each as a story told to the simulator (which runs the machine itself)."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from journeys.machine import inputs, machine
from journeys.machine.commands import Ask, Decide, Plan, Question
from journeys.machine.drive import answered, drive, in_turn
from journeys.machine.inputs import Begin, EventArrived, Facts, Leave, Merged, Pause, Planned, Resume, Skip, Woke
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, Trace, simulate

Compile = Callable[[str], Program]

HEAD = "journey: j\nenter: [{on: Signed Up}]\nstart: a\n"


def run(
    program: Program, begin: datetime, days: float, *events: tuple[float, str], attributes: dict[str, Any] | None = None
) -> Trace:
    """Simulate `days` from `begin`, with events given as (day, name)."""
    recorded = [
        RecordedEvent(seq=seq, name=name, at=begin + timedelta(days=day))
        for seq, (day, name) in enumerate(events, start=1)
    ]
    state = State(customer="cus_1", enrollment="enr_1")
    return simulate(program, state, PastFacts(recorded, attributes or {}), begin, begin + timedelta(days=days))


def mails(trace: Trace) -> list[tuple[str, float]]:
    """Each mail's step with the day on which it was planned."""
    start = trace.state.entered_at
    assert start is not None
    return [(one.step, (one.at - start).total_seconds() / 86_400) for one in trace.planned]


def moves(trace: Trace) -> list[str]:
    return [
        f"{one.stage}->{one.detail['to']} by {one.detail['cause']}" for one in trace.decisions if one.what == "moved"
    ]


def test_steps_run_in_order_and_then_the_customer_rests(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + "stages: {a: {steps: [{send: x}, {wait: 2 days}, {send: y}]}}"), noon, 5)
    assert mails(trace) == [("a/send:x", 0), ("a/send:y", 2)]
    assert (trace.state.phase, trace.state.mode, trace.state.stage) == ("live", "rest", "a")


def test_a_transition_takes_effect_in_the_middle_of_a_wait(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "stages: {a: {steps: [{wait: 5 days}, {send: x}], transitions: [{on: Bought, to: b}]}, b: {steps: [{send: y}]}}"
    )
    trace = run(program, noon, 9, (1, "Bought"))
    assert mails(trace) == [("b/send:y", 1)]
    assert moves(trace) == ["a->b by event"]


def test_an_event_is_tried_on_exits_then_transitions_then_the_wait_for(compiled: Compile, noon: datetime) -> None:
    steps = "steps: [{wait_for: {event: E, up_to: 9 days}}, {send: x}]"
    only_wait = compiled(HEAD + f"stages: {{a: {{{steps}}}}}")
    transition = compiled(HEAD + f"stages: {{a: {{{steps}, transitions: [{{on: E, to: b}}]}}, b: {{}}}}")
    both = compiled(HEAD + f"exit: [{{on: E}}]\nstages: {{a: {{{steps}, transitions: [{{on: E, to: b}}]}}, b: {{}}}}")
    assert mails(run(only_wait, noon, 2, (1, "E"))) == [("a/send:x", 1)]
    assert (run(transition, noon, 2, (1, "E")).state.stage, mails(run(transition, noon, 2, (1, "E")))) == ("b", [])
    assert run(both, noon, 2, (1, "E")).state.reason == "exited"


def test_an_event_fires_at_most_one_transition(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {transitions: [{on: E, to: b}]}, b: {transitions: [{on: E, to: c}]}, c: {}}")
    assert run(program, noon, 2, (1, "E")).state.stage == "b"
    assert run(program, noon, 3, (1, "E"), (2, "E")).state.stage == "c"


def test_the_first_transition_whose_guard_holds_wins(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + """
stages:
  a:
    transitions:
      - {on: E, when: 'customer.events["E"].count >= 2', to: c}
      - {on: E, when: 'customer.plan == "team"', to: b}
  b: {}
  c: {}
"""
    )
    assert run(program, noon, 2, (1, "E")).state.stage == "a"
    assert run(program, noon, 2, (1, "E"), attributes={"plan": "team"}).state.stage == "b"
    assert run(program, noon, 3, (1, "E"), (2, "E")).state.stage == "c"


def test_after_counts_from_entering_the_stage_and_false_spends_it(compiled: Compile, noon: datetime) -> None:
    plain = compiled(HEAD + "stages: {a: {transitions: [{after: 30 days, to: b}]}, b: {}}")
    assert run(plain, noon, 29).state.stage == "a"
    assert run(plain, noon, 30).state.stage == "b"
    guarded = compiled(HEAD + "stages: {a: {transitions: [{after: 3 days, when: customer.ok, to: b}]}, b: {}}")
    trace = run(guarded, noon, 90)
    assert trace.state.stage == "a"
    assert [one.what for one in trace.decisions] == ["entered", "declined"]


def test_inactive_counts_from_the_last_such_event_else_from_entering(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {transitions: [{inactive: 10 days, of: Visit, to: b}]}, b: {}}")
    assert run(program, noon, 9.9).state.stage == "a"
    assert run(program, noon, 10).state.stage == "b"
    active = run(program, noon, 16.9, (3, "Visit"), (7, "Visit"))
    assert active.state.stage == "a"
    assert [one.what for one in active.decisions].count("rearmed") == 1  # lazy: from day 10 straight to day 17
    assert run(program, noon, 17, (3, "Visit"), (7, "Visit")).state.stage == "b"


def test_a_false_guard_rearms_inactive_for_another_such_time(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "stages: {a: {transitions: [{inactive: 10 days, of: V, when: 'customer.events[\"X\"].count > 0', to: b}]}, b: {}}"
    )
    assert run(program, noon, 19, (12, "X")).state.stage == "a"
    assert run(program, noon, 20, (12, "X")).state.stage == "b"


def test_a_transition_already_due_is_taken_before_the_first_step(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + """
stages:
  a: {transitions: [{after: 100 days, to: b}]}
  b: {steps: [{send: x}], transitions: [{inactive: 90 days, of: Order, to: c}]}
  c: {steps: [{send: y}]}
"""
    )
    assert [step for step, _ in mails(run(program, noon, 101))] == ["c/send:y"]


def test_at_the_same_instant_the_event_wins(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {transitions: [{after: 5 days, to: b}, {on: E, to: c}]}, b: {}, c: {}}")
    assert run(program, noon, 6, (5, "E")).state.stage == "c"


def test_deadlines_and_events_are_merged_in_order_after_a_downtime(compiled: Compile, noon: datetime) -> None:
    """Day 5's deadline comes before day 6's event, though both are seen on day 9."""
    program = compiled(HEAD + "stages: {a: {transitions: [{after: 5 days, to: b}, {on: E, to: c}]}, b: {}, c: {}}")
    assert run(program, noon, 9, (6, "E")).state.stage == "b"
    assert run(program, noon, 9, (4, "E")).state.stage == "c"


def test_wait_for_runs_then_or_else_and_goes_on(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "stages: {a: {steps: [{wait_for: {event: E, up_to: 7 days, then: [{send: t}], else: [{send: e}]}}, {send: z}]}}"
    )
    assert mails(run(program, noon, 9, (2, "E"))) == [("a/send:t", 2), ("a/send:z", 2)]
    assert mails(run(program, noon, 9)) == [("a/send:e", 7), ("a/send:z", 7)]


def test_a_branch_takes_the_first_arm_that_holds_else_goes_on(compiled: Compile, noon: datetime) -> None:
    with_else = compiled(
        HEAD
        + "stages: {a: {steps: [{branch: [{if: customer.vip, then: [{send: v}]}, {else: [{send: o}]}]}, {send: z}]}}"
    )
    without = compiled(HEAD + "stages: {a: {steps: [{branch: [{if: customer.vip, then: [{send: v}]}]}, {send: z}]}}")
    assert [s for s, _ in mails(run(with_else, noon, 1, attributes={"vip": True}))] == ["a/send:v", "a/send:z"]
    assert [s for s, _ in mails(run(with_else, noon, 1))] == ["a/send:o", "a/send:z"]
    assert [s for s, _ in mails(run(without, noon, 1))] == ["a/send:z"]


SPLIT = """
stages:
  a:
    steps:
      - split: {id: tip, variants: {x: {weight: 45, steps: [{send: x}]}, y: {weight: 45, steps: [{send: y}]}, none: {weight: 10, holdout: true}}}
      - send: z
"""


def test_a_split_is_stable_and_follows_its_weights(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + SPLIT)
    seen = {"x": 0, "y": 0, "none": 0}
    for number in range(2_000):
        state = State(customer=f"cus_{number}", enrollment="enr_1")
        traces = [simulate(program, state, PastFacts([], {}), noon, noon) for _ in range(2)]
        chosen = [one.detail["variant"] for trace in traces for one in trace.decisions if "variant" in one.detail]
        assert chosen[0] == chosen[1]
        seen[chosen[0]] += 1
    assert abs(seen["x"] - 900) < 100
    assert abs(seen["y"] - 900) < 100
    assert abs(seen["none"] - 200) < 60


def test_a_holdout_gets_no_mail_from_the_split_and_goes_on_behind_it(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + SPLIT.replace("weight: 45", "weight: 0"))
    trace = run(program, noon, 1)
    assert [one.what for one in trace.decisions] == ["entered", "held_out"]
    assert [step for step, _ in mails(trace)] == ["a/send:z"]


def test_entering_a_stage_again_starts_its_steps_anew_with_a_new_visit(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD + "stages: {a: {steps: [{send: x}, {wait: 2 days}, {send: y}], transitions: [{on: E, to: a}]}}"
    )
    trace = run(program, noon, 9, (1, "E"))
    assert mails(trace) == [("a/send:x", 0), ("a/send:x", 1), ("a/send:y", 3)]
    assert [one.visit for one in trace.planned] == [1, 2, 2]


def test_go_moves_and_a_final_stage_completes(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{go: b}]}, b: {steps: [{send: x}], final: true}}")
    trace = run(program, noon, 1)
    assert moves(trace) == ["a->b by go"]
    assert (trace.state.phase, trace.state.reason) == ("ended", "completed")


def test_exit_ends_with_its_reason(compiled: Compile, noon: datetime) -> None:
    assert run(compiled(HEAD + "stages: {a: {steps: [{exit: done}, {send: x}]}}"), noon, 1).state.reason == "done"


def test_set_changes_attributes_on_record(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + "stages: {a: {steps: [{set: {level: 2}}]}}"), noon, 1)
    assert [one.detail for one in trace.decisions if one.what == "attributes_set"] == [{"attributes": {"level": 2}}]


def test_a_loop_that_never_waits_ends_with_its_place_named(compiled: Compile, noon: datetime) -> None:
    """Two stages that are both due at once turn round for ever; validation cannot always see that."""
    program = compiled(
        HEAD
        + """
stages:
  a: {transitions: [{after: 200 days, to: b}]}
  b: {transitions: [{inactive: 90 days, of: Order, to: c}]}
  c: {transitions: [{inactive: 90 days, of: Order, to: b}]}
"""
    )
    trace = run(program, noon, 300)
    assert trace.state.reason == "loop"
    assert trace.decisions[-1].detail["turning_at"] in ("b", "c")


def test_a_local_wait_is_asked_for_in_the_customers_zone(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{wait: {until: '09:00'}}, {send: x}]}}")
    state = State(customer="cus_1", enrollment="enr_1")
    trace = simulate(program, state, PastFacts([], {}, "America/New_York"), noon, noon + timedelta(days=1))
    assert [one.at for one in trace.planned] == [noon.replace(hour=14)]


# -- the protocol, input by input --------------------------------------------------------------------------------------

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
    state, commands = machine.advance(program, begun(program, noon), Skip(at=noon + timedelta(hours=1)))
    assert [command.kind for command in commands] == ["decide", "plan"]


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
    assert machine.refusal(begun(program, noon), control(at=noon)) == sentence


def test_skip_is_refused_where_nothing_is_waited_in(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{send: x}], transitions: [{on: E, to: a}]}}")
    refused = machine.refusal(begun(program, noon), Skip(at=noon))
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


# -- what comes next ---------------------------------------------------------------------------------------------------


def test_events_of_one_instant_are_seen_one_by_one(compiled: Compile, noon: datetime) -> None:
    """Four orders with one timestamp: the first is the first, whatever came at the very same instant."""
    program = compiled(
        HEAD
        + """
stages:
  new: {transitions: [{on: Order, to: first}]}
  first: {transitions: [{when: 'customer.events["Order"].count >= 4', to: core}, {on: Order, to: repeat}]}
  repeat: {transitions: [{when: 'customer.events["Order"].count >= 4', to: core}]}
  core: {}
""".replace("new:", "a:")
    )
    trace = run(program, noon, 2, *[(1, "Order")] * 4)
    assert moves(trace) == ["a->first by event", "first->repeat by event", "repeat->core by when"]


def test_a_control_comes_in_the_order_of_its_instant(compiled: Compile, noon: datetime) -> None:
    program, day = compiled(WAITING), timedelta(days=1)
    recorded = [RecordedEvent(seq=1, name="E", at=noon + day)]
    state = State(customer="c", enrollment="e")
    for leave_at, reason in ((noon + day / 2, "restarted"), (noon + 2 * day, "restarted")):
        trace = simulate(program, state, PastFacts(recorded, {}), noon, noon + 3 * day, leave_at=leave_at)
        assert trace.state.reason == reason
        assert moves(trace) == (["a->b by event"] if leave_at > noon + day else [])
