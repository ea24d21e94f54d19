"""What comes next for somebody if nothing happens, and what would change it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

from journeys.facts.customer_facts import Aggregate, CustomerFacts
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation.forecast import forecast
from journeys.simulation.mail_policies import by_policy, everything_goes
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

JOURNEY = """journey: j
enter: [{on: Order}]
exit: [{on: Closed}]
defaults: {send_window: {from: "09:00", to: "10:00"}}
start: buyer
stages:
  buyer:
    steps: [{wait: 2 days}, {send: x}, {wait_for: {event: Tour, up_to: 3 days, else: [{send: y}]}}]
    transitions:
      - {on: Order, when: customer.vip, to: buyer}
      - {inactive: 30 days, of: Order, to: lapsed}
  lapsed: {steps: [{send: z}], final: true}
"""


def test_the_next_actions_and_what_would_change_them(compiled: Callable[[str], Program], noon: datetime) -> None:
    program = compiled(JOURNEY)
    history = PastFacts([RecordedEvent(seq=1, name="Order", at=noon)], {})
    state = simulate(program, State(customer="c", enrollment="e", cursor=1), history, noon, noon).state
    known = CustomerFacts(
        attributes={"email": "a@example.com"},
        aggregates={"Order": Aggregate(count=1, first_at=noon, last_at=noon)},
        timezone="Europe/Berlin",
    )
    actions = forecast(program, state, known, noon, by_policy(assume_address=False))
    told = [
        (one.what, str(one.detail.get("template") or one.detail.get("to") or ""), (one.at - noon).days)
        for one in actions
    ]
    assert told == [
        ("defer", "x", 2), ("send", "x", 2), ("timed_out", "", 5), ("send", "y", 5),
        ("moved", "lapsed", 30), ("defer", "z", 30), ("send", "z", 30), ("ended", "", 30),
    ]  # fmt: skip
    assert actions[1].at.isoformat() == "2026-03-05T08:00:00+00:00"
    assert actions[0].unless == ("Closed (ends the journey)", "Order if customer.vip (to buyer)")
    assert "Tour" in actions[2].unless


def test_nothing_comes_for_who_is_paused_or_rests(compiled: Callable[[str], Program], noon: datetime) -> None:
    program = compiled("journey: j\nstart: a\nstages: {a: {steps: [{send: x}]}}")
    state = simulate(program, State(customer="c", enrollment="e"), PastFacts([], {}), noon, noon).state
    known = CustomerFacts(attributes={}, aggregates={})
    assert forecast(program, state, known, noon, everything_goes) == []
    waiting = compiled("journey: j\nstart: a\nstages: {a: {steps: [{wait: 1 day}, {send: x}]}}")
    state = simulate(waiting, State(customer="c", enrollment="e"), PastFacts([], {}), noon, noon).state
    assert [one.what for one in forecast(waiting, state, known, noon, everything_goes)] == ["send"]
    assert forecast(waiting, replace(state, paused=True), known, noon, everything_goes) == []


def test_a_mail_that_would_be_skipped_says_so(compiled: Callable[[str], Program], noon: datetime) -> None:
    program = compiled("journey: j\nstart: a\nstages: {a: {steps: [{wait: 1 day}, {send: x}]}}")
    state = simulate(program, State(customer="c", enrollment="e"), PastFacts([], {}), noon, noon).state
    known = CustomerFacts(attributes={}, aggregates={})
    actions = forecast(program, state, known, noon, by_policy(assume_address=False))
    assert [(one.what, one.detail["reason"], one.at) for one in actions] == [
        ("defer", "no_address_yet", noon + timedelta(days=1)),
        ("skip", "no_address", noon + timedelta(days=4)),
    ]
    assert actions[0].unless == ("an email address (it is planned again at once)",)


def test_an_endless_round_is_cut(compiled: Callable[[str], Program], noon: datetime) -> None:
    program = compiled("journey: j\nstart: a\nstages: {a: {steps: [{wait: 1 minute}, {go: a}]}}")
    state = simulate(program, State(customer="c", enrollment="e"), PastFacts([], {}), noon, noon).state
    assert len(forecast(program, state, CustomerFacts(attributes={}, aggregates={}), noon, everything_goes)) == 12


def test_a_mail_that_is_in_the_ledger_does_not_come_again(compiled: Callable[[str], Program], noon: datetime) -> None:
    """A move led back before it: the send is done in this visit, and in the next one it is another mail."""
    program = compiled(
        "journey: j\nstart: a\nstages: {a: {steps: [{wait: 1 day}, {send: x}, {send: y}, {wait: 1 day}, {go: a}]}}"
    )
    state = simulate(program, State(customer="c", enrollment="e"), PastFacts([], {}), noon, noon).state
    known, done = CustomerFacts(attributes={}, aggregates={}), frozenset({("a/send:x", 1)})
    actions = forecast(program, state, known, noon, everything_goes, in_ledger=done)
    assert [one.detail["template"] for one in actions if one.what == "send"][:4] == ["y", "x", "y", "x"]
