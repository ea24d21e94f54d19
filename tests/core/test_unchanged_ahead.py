"""From where on two versions do the same while nothing happens, whatever became of the steps before."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from journeys.changes.mapping import Moves, mapping_of
from journeys.changes.outcomes import Standing
from journeys.changes.place import place
from journeys.changes.unchanged_ahead import same_ahead
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

FIRST = """journey: j
enter: [{on: Signed Up}]
start: trial
stages:
  trial:
    steps:
      - {wait: 1 day}
      - {send: a}
      - {wait: 9 days}
      - branch: [{if: customer.vip == true, then: [{send: b}]}, {else: [{wait: 1 day}]}]
      - {send: c}
    transitions: [{on: Paid, to: paying}, {after: 30 days, to: gone}]
  paying: {steps: [{send: thanks}]}
  gone: {steps: [{send: miss}]}
"""

CHANGES = [
    ("nothing is changed", [], True),
    ("a step behind is changed", [("send: a", "send: aa")], True),
    ("what an event leads to is changed", [("on: Paid, to", "on: Paid, when: customer.vip == true, to"), ("send: thanks", "send: cheers")], True),
    ("the mail ahead is another", [("send: c", "send: cc")], False),
    ("a guard ahead is another", [("vip == true", "vip == false")], False),
    ("a way of the branch is longer", [("{else: [{wait: 1 day}]}", "{else: [{wait: 2 days}]}")], False),
    ("the time in the stage is longer", [("30 days", "31 days")], False),
    ("the stage to which time leads does something else", [("send: miss", "send: missed")], False),
    ("its own wait ends at another instant", [("9 days", "8 days")], False),
    ("the hours of its mails are others", [("start: trial", "defaults: {send_window: {days: mon, from: '09:00', to: '10:00'}}\nstart: trial")], False),
    ("local times are another zone's", [("start: trial", "timezone: Asia/Tokyo\nstart: trial")], False),
]  # fmt: skip


@pytest.mark.parametrize(("why", "pairs", "same"), CHANGES, ids=[one[0] for one in CHANGES])
def test_where_they_do_the_same(
    why: str, pairs: Sequence[tuple[str, str]], same: bool, compiled: Callable[[str], Program], noon: datetime
) -> None:
    text = FIRST
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    assert (names(compiled(FIRST), compiled(text), noon) is not None) == same


def test_a_stage_of_another_name_is_told(compiled: Callable[[str], Program], noon: datetime) -> None:
    new = compiled(FIRST.replace("gone", "lost").replace("trial", "test"))
    found = names(compiled(FIRST), new, noon, Moves(stages={"gone": "lost", "trial": "test"}))
    assert found == {"trial": "test", "gone": "lost"}


def test_where_a_send_ahead_is_done_they_may_differ(compiled: Callable[[str], Program], noon: datetime) -> None:
    """Somebody was led back before it; it goes by its id, which may be another one."""
    same = compiled(FIRST)
    assert names(same, same, noon, in_ledger=frozenset({("trial/send:a", 1)})) is not None
    assert names(same, same, noon, in_ledger=frozenset({("trial/send:c", 1)})) is None


def names(old: Program, new: Program, noon: datetime, moves: Moves | None = None, **more: Any) -> object:
    """What the stages ahead are called for somebody who waits for nine days; None where the versions differ ahead."""
    known, now = CustomerFacts(attributes={"vip": False}, aggregates={}), noon + timedelta(days=3)
    past = PastFacts([RecordedEvent(seq=1, name="Signed Up", at=noon)], known.attributes)
    state = simulate(old, State(customer="c", enrollment="e", cursor=1), past, noon, now).state
    assert state.position == "trial/wait:9 days"
    mapping = mapping_of(old, new, moves)
    stands = Standing(state=state, known=known, enrollment=EnrollmentFacts(entered_at=noon), **more)
    moved = place(mapping, stands, now).state
    assert moved is not None
    return same_ahead(mapping, stands, moved)
