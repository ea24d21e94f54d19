"""Many customers on a virtual clock: who enters when, what follows by itself, and numbers that add up."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation import backtest, consequences
from journeys.simulation.backtest import CustomerHistory, Totals
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

Compile = Callable[[str], Program]
HEAD = "enter: [{on: E}]\nstart: a\n"


def customer(begin: datetime, *events: tuple[float, str], name: str = "ann", **attributes: Any) -> CustomerHistory:
    recorded = [
        RecordedEvent(
            seq=seq, name=event, at=begin + timedelta(days=day), properties=attributes if event == "Identify" else {}
        )
        for seq, (day, event) in enumerate(events, start=1)
    ]
    return CustomerHistory(id=name, events=recorded, attributes=attributes)


def entries(program: Program, one: CustomerHistory, until: datetime) -> list[tuple[float, str | None]]:
    """Each run: the day of its start, and how it ended."""
    begin = one.events[0].at
    found = backtest.enrollments(program, one, until, by_policy(assume_address=True))
    return [((life.event.at - begin).total_seconds() / 86_400, life.trace.state.reason) for life in found]


@pytest.mark.parametrize(
    ("reentry", "expected"),
    [
        ("never", [(0, "completed")]),
        ("after_exit", [(0, "completed"), (3, "completed"), (9, None)]),
        ("{after: 4 days}", [(0, "completed"), (9, None)]),
        ("always", [(0, "restarted"), (1, "completed"), (3, "restarted"), (4, "completed"), (9, None)]),
    ],
)
def test_reentry_is_as_in_production(
    compiled: Compile, noon: datetime, reentry: str, expected: list[tuple[float, str | None]]
) -> None:
    program = compiled(
        f"journey: j\nreentry: {reentry}\n{HEAD}stages: {{a: {{steps: [{{wait: 36 hours}}], final: true}}}}"
    )
    one = customer(noon, (0, "E"), (1, "E"), (3, "E"), (4, "E"), (9, "E"))
    assert entries(program, one, noon + timedelta(days=10)) == expected


def test_a_trait_named_id_makes_nobody_another(compiled: Compile, noon: datetime) -> None:
    program = compiled("journey: j\nenter: [{on: E, when: customer.id == 'ann'}]\nstart: a\nstages: {a: {}}")
    until = noon + timedelta(days=1)
    assert len(entries(program, customer(noon, (0, "Identify"), (0.1, "E"), id="bob"), until)) == 1
    assert entries(program, customer(noon, (0, "Identify"), (0.1, "E"), name="eve", id="ann"), until) == []


def test_totals_add_up_over_parts(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        f"journey: j\n{HEAD}defaults: {{send_window: {{from: '14:00', to: '15:00'}}}}\n"
        "stages: {a: {steps: [{send: x}, {wait: 1 day}, {send: y}], transitions: [{on: F, to: b}]}, b: {final: true}}"
    )
    customers = [customer(noon, (0, "E"), (number / 10, "F"), name=str(number)) for number in range(1, 20)]
    until = noon + timedelta(days=5)
    whole = backtest.totals(program, customers, until, by_policy(assume_address=True))
    parts = Totals()
    for one in customers:
        parts.add(backtest.totals(program, [one], until, by_policy(assume_address=True)))
    assert parts.as_json() == whole.as_json()
    assert (whole.customers, whole.enrolled, whole.ended) == (19, 19, {"completed": 19})
    assert sum(whole.movements.values()) == 19 + 19
    assert sum(sum(counts.values()) for counts in whole.mails_by_day.values()) == sum(whole.messages.values())
    assert list(whole.stages_by_day().values())[-1] == {}
    assert whole.deferred == {"send_window": 19}


def test_a_customer_without_an_address_is_skipped_where_others_have_one(compiled: Compile, noon: datetime) -> None:
    program = compiled(f"journey: j\n{HEAD}stages: {{a: {{steps: [{{send: x}}]}}}}")
    customers = [customer(noon, (0, "E"), name="ann", email="ann@example.com"), customer(noon, (0, "E"), name="bob")]
    totals = backtest.totals(program, customers, noon + timedelta(days=3), by_policy(assume_address=False))
    assert (totals.messages, totals.skipped) == ({"x": 1}, {"no_address": 1})


def test_a_mail_waits_in_a_simulation_for_an_address_that_is_said_later(compiled: Compile, noon: datetime) -> None:
    program = compiled(f"journey: j\n{HEAD}stages: {{a: {{steps: [{{send: x}}, {{wait: 1 day}}, {{send: y}}]}}}}")
    events = [
        RecordedEvent(seq=1, name="E", at=noon),
        RecordedEvent(seq=2, name="Identify", at=noon + timedelta(hours=1), properties={"plan": "team"}),
        RecordedEvent(seq=3, name="Identify", at=noon + timedelta(hours=5), properties={"email": "ann@example.com"}),
    ]
    state = State(customer="c", enrollment="e", cursor=1)
    trace = simulate(
        program, state, PastFacts(events, {}), noon, noon + timedelta(days=9), by_policy(assume_address=False)
    )
    assert [(one.step, one.at - noon) for one in trace.planned] == [
        ("a/send:x", timedelta(hours=5)),
        ("a/send:y", timedelta(hours=29)),
    ]


def test_a_date_is_reached_in_a_simulation_too(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        "journey: j\nenter: [{date: customer.ends, offset: -3 days, at: '09:00'}]\nstart: a\nstages: {a: {}}"
    )
    one = customer(noon, (0, "Identify"), ends="2026-03-20")
    whole = consequences.complete(program, one, noon + timedelta(days=60), {})
    assert [(event.name, event.at.isoformat()) for event in whole.events[1:]] == [
        ("Date Reached", "2026-03-17T09:00:00+00:00")
    ]
    assert len(entries(program, whole, noon + timedelta(days=60))) == 1


def test_a_yearly_date_comes_each_year(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        "journey: j\nreentry: after_exit\nenter: [{date: customer.birthday, every: year}]\nstart: a\nstages: {a: {final: true}}"
    )
    one = customer(noon, (0, "Identify"), birthday="1984-06-01")
    whole = consequences.complete(program, one, noon + timedelta(days=1_000), {})
    assert [event.at.year for event in whole.events[1:]] == [2026, 2027, 2028]
    assert len(entries(program, whole, noon + timedelta(days=1_000))) == 3


def test_joining_a_segment_lets_in_and_leaving_moves_on(compiled: Compile, noon: datetime) -> None:
    program = compiled(
        "journey: j\nenter: [{segment: two}]\nstart: a\n"
        "stages: {a: {transitions: [{when: '!(\"two\" in customer.segments)', to: b}]}, b: {}}"
    )
    guard = 'customer.events["E"].count >= 2 && customer.events["F"].count == 0'
    one = customer(noon, (0, "E"), (1, "E"), (2, "E"), (3, "F"))
    whole = consequences.complete(program, one, noon + timedelta(days=5), {"two": guard})
    assert [event.name for event in whole.events] == ["E", "E", "Segment Joined", "E", "F", "Segment Left"]
    (life,) = backtest.enrollments(program, whole, noon + timedelta(days=5), by_policy(assume_address=True))
    assert life.trace.state.stage == "b"


def test_what_was_recorded_is_believed(compiled: Compile, noon: datetime) -> None:
    program = compiled("journey: j\nenter: [{segment: two}]\nstart: a\nstages: {a: {}}")
    one = customer(noon, (0, "E"), (1, "Segment Left"))
    assert consequences.complete(program, one, noon, {"two": "true"}) is one
