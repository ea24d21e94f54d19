"""The laws of the statechart, each as a story told to the simulator (which runs the machine itself)."""

from datetime import datetime, timedelta

from journeys.machine.state import State
from journeys.simulation.simulator import PastFacts, simulate
from tests.core.simulated import HEAD, Compile, mails, moves, run


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
    assert [one.detail for one in trace.decisions if one.what == "attributes_set"] == [
        {"attributes": {"level": 2}, "seq": 0}
    ]


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
