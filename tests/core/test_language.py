"""The rest of the language, each word as a story told to the simulator."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from journeys.checks import source
from journeys.facts import calendar
from journeys.machine.state import State
from journeys.program import date_triggers
from journeys.program.nodes import SendNode
from journeys.program.program import Program
from journeys.rules.policy import ALLOWED, Skipped
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import PastFacts, RecordedEvent, Trace, simulate

Compile = Callable[[str], Program]
HEAD = "journey: j\nenter: [{on: Signed Up}]\nstart: a\n"


def run(
    program: Program,
    begin: datetime,
    days: float,
    *events: tuple[float, str],
    attributes: dict[str, Any] | None = None,
    timezone: str | None = None,
) -> Trace:
    recorded = [
        RecordedEvent(seq=seq, name=name, at=begin + timedelta(days=day))
        for seq, (day, name) in enumerate(events, start=1)
    ]
    history = PastFacts(recorded, attributes or {}, timezone)
    return simulate(program, State(customer="c", enrollment="e"), history, begin, begin + timedelta(days=days))


def path(trace: Trace) -> list[str]:
    """What happened, by day: the mails and the moves."""
    start = trace.state.entered_at
    assert start is not None
    told = [(one.number, one.at, f"send {one.step}") for one in trace.planned]
    for one in trace.decisions:
        if one.what == "moved":
            told.append((one.number, one.at, f"{one.stage} -> {one.detail['to']} by {one.detail['cause']}"))
        elif one.what not in ("entered", "ended"):
            told.append((one.number, one.at, one.what))
    return [f"{(at - start).total_seconds() / 86_400:g}: {text}" for _, at, text in sorted(told)]


# -- transitions by guard alone ----------------------------------------------------------------------------------------

PAYING = """
stages:
  a:
    steps: [{send: x}, {wait: 5 days}, {send: y}]
    transitions: [{when: 'customer.events["Order"].count >= 2', to: b}]
  b: {steps: [{send: z}]}
"""


def test_a_guard_alone_leads_on_when_an_event_turns_it_true(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + PAYING), noon, 9, (1, "Order"), (2, "Visit"), (3, "Order"))
    assert path(trace) == ["0: send a/send:x", "3: a -> b by when", "3: send b/send:z"]


def test_a_guard_that_holds_already_is_taken_before_the_first_step(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + PAYING), noon, 1, (0, "Order"), (0, "Order"))
    assert path(trace)[-1] == "0: send b/send:z"
    vip = compiled(HEAD + "stages: {a: {steps: [{send: x}], transitions: [{when: customer.vip, to: b}]}, b: {}}")
    assert path(run(vip, noon, 1, attributes={"vip": True})) == ["0: a -> b by when"]
    assert path(run(vip, noon, 1)) == ["0: send a/send:x"]


def test_what_a_step_sets_can_turn_a_guard_true(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "stages: {a: {steps: [{set: {plan: pro}}, {send: x}], transitions: [{when: customer.plan == 'pro', to: b}]}, b: {}}"
    )
    assert path(run(program, noon, 1)) == ["0: attributes_set", "0: a -> b by when"]


# -- wait_for on a guard -----------------------------------------------------------------------------------------------

TURNS = "stages: {a: {steps: [{wait_for: {when: 'customer.events[\"Tour\"].count >= 2', up_to: 4 days, else: [{send: late}]}}, {send: on}]}}"


def test_a_wait_for_on_a_guard_ends_when_it_turns_true(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + TURNS), noon, 9, (1, "Tour"), (2, "Tour"))
    assert path(trace) == ["2: matched", "2: send a/send:on"]


def test_a_wait_for_on_a_guard_that_holds_already_does_not_wait(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + TURNS), noon, 9, (0, "Tour"), (0, "Tour"))
    assert path(trace) == ["0: matched", "0: send a/send:on"]


def test_a_wait_for_on_a_guard_times_out(compiled: Compile, noon: datetime) -> None:
    trace = run(compiled(HEAD + TURNS), noon, 9, (1, "Tour"))
    assert path(trace) == ["4: timed_out", "4: send a/send:late", "4: send a/send:on"]


# -- dates -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("wait", "trial_ends", "days"),
    [
        ("{until: customer.trial_ends_at, offset: -3 days}", "2026-03-12T12:00:00+00:00", 7),
        ("{until: customer.trial_ends_at}", "2026-03-12", 9.5),
        ("{until: customer.trial_ends_at, offset: 1 day, at: '09:00'}", "2026-03-05", 3.875),
        ("{until: customer.trial_ends_at}", "2020-01-01", 0),
        ("{until: customer.trial_ends_at}", 1_773_316_800, 10),
        ("{until: customer.trial_ends_at, offset: -3 days}", " 1773316800000 ", 7),
    ],
)
def test_a_wait_until_a_date_of_the_customer(
    compiled: Compile, noon: datetime, wait: str, trial_ends: str | int, days: float
) -> None:
    program = compiled(HEAD + f"stages: {{a: {{steps: [{{wait: {wait}}}, {{send: x}}]}}}}")
    trace = run(program, noon, 30, attributes={"trial_ends_at": trial_ends})
    assert path(trace) == [f"{days:g}: send a/send:x"]


@pytest.mark.parametrize(
    ("attributes", "reason"),
    [
        ({"trial_ends_at": "next week"}, "unreadable_date"),
        ({"trial_ends_at": "12/10/2026"}, "unreadable_date"),
        ({"trial_ends_at": True}, "unreadable_date"),
        ({"trial_ends_at": " "}, "no_date"),
        ({}, "no_date"),
    ],
)
def test_a_date_that_nobody_can_tell_is_never_now_and_is_told(
    compiled: Compile, noon: datetime, attributes: dict[str, object], reason: str
) -> None:
    waiting = compiled(HEAD + "stages: {a: {steps: [{wait: {until: customer.trial_ends_at}}, {send: x}]}}")
    trace = run(waiting, noon, 30, attributes=attributes)
    assert path(trace) == ["0: date_unknown"]
    assert trace.decisions[-1].detail == {"reason": reason, "attribute": "trial_ends_at", "took": "waits"}
    assert (trace.state.mode, trace.state.wakes_at) == ("wait", None)
    other = compiled(
        HEAD + "stages: {a: {steps: [{wait: {until: customer.trial_ends_at, else: [{send: ask}]}}, {send: x}]}}"
    )
    assert path(run(other, noon, 30, attributes=attributes)) == [
        "0: date_unknown", "0: send a/send:ask", "0: send a/send:x",
    ]  # fmt: skip


def test_a_date_that_can_be_read_at_last_is_waited_for(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{wait: {until: customer.trial_ends_at}}, {send: x}]}}")
    said = ("12.03.2026", "2026-03-12T12:00:00Z")
    events = [
        RecordedEvent(seq=seq, name="Identify", at=noon + timedelta(days=seq), properties={"trial_ends_at": one})
        for seq, one in enumerate(said, start=1)
    ]
    state = State(customer="c", enrollment="r")
    trace = simulate(program, state, PastFacts(events, {"trial_ends_at": "next week"}), noon, noon + timedelta(days=30))
    assert [(one.what, one.detail["reason"]) for one in trace.decisions if one.what == "date_unknown"] == [
        ("date_unknown", "unreadable_date")
    ] * 2
    assert [one.at for one in trace.planned] == [noon + timedelta(days=10)]


# -- local times -------------------------------------------------------------------------------------------------------


def test_a_zone_that_is_learned_while_somebody_waits_moves_a_local_time(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + 'stages: {a: {steps: [{wait: {until: "09:00"}}, {send: x}]}}')
    learned = RecordedEvent(
        seq=1, name="Identify", at=noon + timedelta(seconds=2), properties={"timezone": " america/los_angeles"}
    )
    trace = simulate(program, State(customer="c", enrollment="r"), PastFacts([learned], {}), noon, noon + timedelta(30))
    assert [one.at.isoformat() for one in trace.planned] == ["2026-03-02T17:00:00+00:00"]


@pytest.mark.parametrize("days", [0.1, 0.5, 0.8])
def test_a_profile_that_says_nothing_of_a_zone_moves_no_local_time(
    compiled: Compile, noon: datetime, days: float
) -> None:
    program = compiled(HEAD + 'stages: {a: {steps: [{wait: {until: "09:00"}}, {send: x}]}}')
    said = RecordedEvent(seq=1, name="Identify", at=noon + timedelta(days=days), properties={"plan": "team"})
    trace = simulate(program, State(customer="c", enrollment="r"), PastFacts([said], {}), noon, noon + timedelta(30))
    assert [one.at.isoformat() for one in trace.planned] == ["2026-03-03T09:00:00+00:00"]


def test_a_date_without_a_time_means_midnight_where_the_customer_is(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{wait: {until: customer.trial_ends_at}}, {send: x}]}}")
    trace = run(program, noon, 30, attributes={"trial_ends_at": "2026-03-12"}, timezone="Europe/Berlin")
    assert trace.planned[0].at.isoformat() == "2026-03-11T23:00:00+00:00"


def test_a_date_that_is_moved_while_somebody_waits_moves_the_wait(compiled: Compile, noon: datetime) -> None:
    program = compiled(HEAD + "stages: {a: {steps: [{wait: {until: customer.trial_ends_at}}, {send: x}]}}")
    history = PastFacts(
        [
            RecordedEvent(
                seq=1, name="Identify", at=noon + timedelta(days=2), properties={"trial_ends_at": "2026-03-20"}
            )
        ],
        {"trial_ends_at": "2026-03-10"},
    )
    trace = simulate(program, State(customer="c", enrollment="e"), history, noon, noon + timedelta(days=60))
    assert [one.at.date().isoformat() for one in trace.planned] == ["2026-03-20"]


def test_offsets_go_both_ways() -> None:
    assert calendar.parse_offset("-3 days") == (-1, calendar.parse_span("3 days"))
    assert calendar.parse_offset("+ 2 calendar weeks") == (1, calendar.parse_span("2 calendar weeks"))


# -- goals, and steps that touch the world -----------------------------------------------------------------------------


def test_a_goal_is_recorded_and_ends_nothing(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "goal: {on: Order, within: 14 days, when: 'event.properties.total > 10.0'}\n"
        + "stages: {a: {steps: [{send: x}, {wait: 9 days}, {send: y}], transitions: [{on: Visit, to: a}]}}"
    )
    history = PastFacts(
        [
            RecordedEvent(seq=1, name="Order", at=noon + timedelta(days=1), properties={"total": 5.0}),
            RecordedEvent(seq=2, name="Order", at=noon + timedelta(days=2), properties={"total": 50.0}),
        ],
        {},
    )
    trace = simulate(program, State(customer="c", enrollment="e"), history, noon, noon + timedelta(days=20))
    assert path(trace) == ["0: send a/send:x", "2: converted", "9: send a/send:y"]


def test_a_goal_is_recorded_also_where_the_event_moves_the_customer(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD + "goal: {on: Order, within: 14 days}\nstages: {a: {transitions: [{on: Order, to: b}]}, b: {}}"
    )
    assert path(run(program, noon, 3, (1, "Order"))) == ["1: converted", "1: a -> b by event"]


def test_webhooks_notes_and_other_journeys_are_put_on_their_way(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        HEAD
        + "stages: {a: {steps: [{webhook: 'https://example.com/x'}, {notify: {email: sales@example.com, text: Call}}, "
        + "{enroll: win_back}, {send: x}]}}"
    )
    assert path(run(program, noon, 1)) == ["0: called", "0: notified", "0: enrolling", "0: send a/send:x"]


def test_a_send_can_have_a_window_of_its_own(compiled: Compile) -> None:
    program = compiled(
        HEAD
        + "defaults: {send_window: {from: '09:00', to: '18:00'}}\n"
        + "stages: {a: {steps: [{send: {template: x, send_window: any}}, {send: {template: y, send_window: "
        + "{days: sat, from: '10:00', to: '12:00'}}}, {send: z}]}}"
    )
    windows = [node.terms.window for node in program.nodes.values() if isinstance(node, SendNode)]
    assert sorted(str(one.opens) if one else "" for one in windows) == ["", "09:00:00", "10:00:00"]


# -- triggers ----------------------------------------------------------------------------------------------------------


def test_every_trigger_compiles_to_an_event_or_a_schedule(compiled: Compile) -> None:
    program = compiled(
        """
journey: j
key: event.order_id
enter:
  - on: Signed Up
  - {segment: vip, when: customer.age > 18}
  - {date: customer.birthday, offset: -3 days, at: "09:00", every: year}
  - {schedule: {at: "08:00", on: [mon], timezone: Europe/Berlin}, segment: digest}
start: a
stages: {a: {}}
"""
    )
    triggers = [
        (one.event, dict(one.given), program.guards[one.guard] if one.guard else None) for one in program.triggers
    ]
    assert triggers == [
        ("Signed Up", {}, None),
        ("Segment Joined", {"segment": "vip"}, "customer.age > 18"),
        ("Date Reached", {"trigger": "j/enter[2]"}, None),
    ]
    assert (program.dates[0].name, program.dates[0].yearly) == ("enter[2]", True)
    assert (program.schedules[0].segment, program.schedules[0].timezone) == ("digest", "Europe/Berlin")
    assert program.key == "event.order_id"


def test_in_a_stage_that_is_not_to_be_written_to_only_transactional_mail_goes(
    compiled: Compile, noon: datetime
) -> None:
    program = compiled(
        HEAD + "stages:\n  a:\n    steps: [{send: welcome}, {go: b}]\n"
        "  b: {mailable: false, label: Left alone, phase: inactive, "
        "steps: [{send: offer}, {send: {template: receipt, transactional: true}}, {go: c}]}\n"
        "  c: {steps: [{send: back}]}"
    )
    state = State(customer="c", enrollment="e")
    trace = simulate(program, state, PastFacts([], {}), noon, noon + timedelta(days=1), by_policy(assume_address=True))
    assert [(one.template, one.verdict) for one in trace.mails] == [
        ("welcome", ALLOWED), ("offer", Skipped("not_mailable")), ("receipt", ALLOWED), ("back", ALLOWED),
    ]  # fmt: skip
    assert [stage.mailable for stage in program.stages.values()] == [True, False, True]


def test_what_says_nothing_of_its_stages_keeps_its_digest() -> None:
    text = HEAD + "stages: {a: {steps: [{send: welcome}]}}"
    assert source.read(text)[0].canonical() == (
        '{"journey":"j","enter":[{"on":"Signed Up"}],"start":"a","stages":{"a":{"steps":[{"send":{"template":"welcome"}}]}}}'
    )


def test_a_date_that_would_let_somebody_in_is_read_as_every_date_and_one_that_cannot_be_is_named(
    compiled: Compile, noon: datetime
) -> None:
    program = compiled("journey: j\nenter: [{date: customer.birthday, every: year}]\nstart: a\nstages: {a: {}}")
    (trigger,) = program.dates
    zone = ZoneInfo("America/New_York")
    for written in ("1990-05-01", " 1990-05-01T00:00:00.000Z ", 641_520_000, "641520000000"):
        at = date_triggers.fires_at(trigger, written, zone, noon)
        assert at == datetime(2026, 5, 1, 4, tzinfo=UTC), written
        assert date_triggers.unreadable(program, {"birthday": written}) == {}
    assert date_triggers.unreadable(program, {"birthday": "05/01/1990"}) == {"enter[0]": ("birthday", "05/01/1990")}
    assert date_triggers.fires_at(trigger, "05/01/1990", zone, noon) is None
