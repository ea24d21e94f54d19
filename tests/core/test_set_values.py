"""What `set` gives: values as they stand, and those that it computes; the simulator has them in the order of events."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from journeys.checks import source
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.language.problems import InvalidJourney
from journeys.machine.commands import Decide
from journeys.machine.state import State
from journeys.program.compiler import compile_journey
from journeys.rules import set_values
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate

NOBODY = EnrollmentFacts(entered_at=None)


def given(known: dict[str, Any], at: datetime, **computed: str) -> set_values.SetValues:
    detail = {"attributes": {"source": "fair"}, "seq": 0, "computed": computed}
    record = Decide(number=1, at=at, what="attributes_set", stage="s", visit=1, detail=detail)
    return set_values.values(record, CustomerFacts(attributes=known, aggregates={}), NOBODY)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("customer.score + 10", 15),
        ("customer.score * 2", 10),
        ("customer.name + '!'", "Ann!"),
        ("customer.score > 3", True),
        ("customer.score > 3 ? 'hot' : 'cold'", "hot"),
        ("customer.events['Order'].count", 0),
        ("[customer.score, 1]", [5, 1]),
        ("{'n': customer.score}", {"n": 5}),
        ("null", None),
        ("now", "2026-03-02T12:00:00+00:00"),
    ],
)
def test_an_attribute_is_computed(noon: datetime, text: str, value: Any) -> None:
    found = given({"score": 5, "name": "Ann"}, noon, result=text)
    assert (found.attributes, found.failed) == ({"source": "fair", "result": value}, {})


@pytest.mark.parametrize("text", ["customer.name + 1", "customer.missing + 1", "duration('3h')", "1 / 0", "1.0 / 0.0"])
def test_what_cannot_be_computed_leaves_the_attribute_alone_and_says_why(noon: datetime, text: str) -> None:
    found = given({"name": "Ann"}, noon, score=text)
    assert (found.attributes, [*found.failed]) == ({"source": "fair"}, ["score"])


def problems(value: str) -> list[tuple[str, str]]:
    text = f"journey: j\nstart: a\nenter: [{{on: E}}]\nstages: {{a: {{steps: [{{set: {{x: {value}}}}}]}}}}"
    try:
        found = source.read(text)[1]
    except InvalidJourney as refused:
        found = refused.problems
    return [(one.code, one.severity) for one in found if one.path[-1] in ("x", "cel")]


@pytest.mark.parametrize(
    ("value", "code"),
    [
        ("'{{ customer.first_name }}'", "unfilled_text"),
        ("[1, {a: 'by {% now %}'}]", "unfilled_text"),
        ("{cel: 'customer.score +'}", "expression"),
        ("{cel: 'shop.score + 1'}", "expression"),
        ("{cel: 5}", "expression"),
        ("{cel: '1 + 1', or: 2}", "expression"),
        ("{cel: 'nosuch(customer.score)'}", "unknown_function"),
        ("{cel: 'event.total + 1.0'}", "no_event_here"),
    ],
)
def test_what_set_cannot_give_is_told_at_validation(value: str, code: str) -> None:
    assert problems(value) == [(code, "error")]


@pytest.mark.parametrize("name", ["id", "events", "segments"])
def test_what_is_no_attribute_is_not_set(name: str) -> None:
    with pytest.raises(InvalidJourney) as refused:
        source.read(f"journey: j\nstart: a\nenter: [{{on: E}}]\nstages: {{a: {{steps: [{{set: {{{name}: x}}}}]}}}}")
    errors = [(one.code, one.path[-1]) for one in refused.value.problems if one.severity == "error"]
    assert errors == [("no_attribute", name)]


@pytest.mark.parametrize("value", ["'a { b }'", "{deep: {cel: 1}}", "{cel: 'customer.score + 10'}", "null"])
def test_what_set_can_give_has_no_problem(value: str) -> None:
    assert problems(value) == []


SCORED = """
journey: j
enter: [{on: Identify}]
start: a
stages:
  a:
    steps:
      - set: {plan: pro, score: {cel: customer.score + 10}}
      - wait: 1 day
      - set: {score: {cel: customer.score + 10}}
      - wait: 1 day
"""


def test_the_simulator_sets_behind_the_events_that_came_before(noon: datetime) -> None:
    events = [
        RecordedEvent(seq=1, name="Identify", at=noon, properties={"plan": "solo", "score": 1}),
        RecordedEvent(seq=2, name="Identify", at=noon + timedelta(hours=1), properties={"score": 100}),
    ]
    past, program = PastFacts(events, {}), compile_journey(source.read(SCORED)[0])
    simulate(program, State(customer="c", enrollment="e", cursor=1), past, noon, noon + timedelta(days=9))
    assert dict(past.known(2).attributes) == {"plan": "pro", "score": 110}


HEARD = """
journey: j
enter: [{on: Signed Up}]
start: a
stages:
  a:
    steps: [{wait: 1 day}, {set: {plan: pro}}, {set: {plan: pro}}, {wait: 1 day}]
    transitions:
      - {on: Asked, when: 'customer.events["Identify"].count == 1 && customer.events["Asked"].count == 2', to: b}
  b: {}
"""


def test_what_a_step_sets_is_an_event_in_a_simulation_too(noon: datetime) -> None:
    """Once, since the second `set` changes nothing; later events count on behind it."""
    asked = [RecordedEvent(seq=seq, name="Asked", at=noon + timedelta(days=day)) for seq, day in ((1, 0.5), (2, 1.5))]
    past, program = PastFacts(list(asked), {}), compile_journey(source.read(HEARD)[0])
    trace = simulate(program, State(customer="c", enrollment="e"), past, noon, noon + timedelta(days=3))
    assert (trace.state.stage, trace.state.cursor) == ("b", 3)
    assert [(one.seq, one.name, one.at - noon) for one in past.events] == [
        (1, "Asked", timedelta(hours=12)),
        (2, "Identify", timedelta(days=1)),
        (3, "Asked", timedelta(hours=36)),
    ]
    assert past.events[1].properties == {"plan": "pro"}
