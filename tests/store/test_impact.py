"""The month behind a publish is run on under both versions, each as if the other were not."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from journeys.changes.mapping import mapping_of
from journeys.changes.outcomes import Standing
from journeys.changes.place import place
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts
from journeys.machine.state import State
from journeys.program.program import Program
from journeys.rules.policy import InstallationTerms
from journeys.simulation.simulator import PastFacts, RecordedEvent, simulate
from services.changes.planning.impact import Impact, RunsOn

JOURNEY = """journey: j
enter: [{on: Signed Up}]
start: trial
stages:
  trial:
    final: true
    steps: [{send: a}, {wait: 3 days}, {send: b}, {wait: 40 days}, {send: c}]
"""
WHEN = "    transitions: [{when: customer.vip == true, to: gone}]\n  gone: {final: true}\n"


def month(old: Program, new: Program, noon: datetime, terms: InstallationTerms | None = None) -> dict[str, Any]:
    """The impact on one customer, a VIP who entered a day ago."""
    attributes = {"email": "a@example.com", "vip": True, "id": "a"}
    past = PastFacts([RecordedEvent(seq=1, name="Signed Up", at=noon)], attributes)
    now, begun = noon + timedelta(days=1), State(customer="c", enrollment="e", cursor=1)
    state = simulate(old, begun, past, noon, now).state
    known = CustomerFacts(attributes=attributes, aggregates={})
    stands = Standing(state=state, known=known, enrollment=EnrollmentFacts(entered_at=noon))
    mapping, counted = mapping_of(old, new), Impact()
    moved = place(mapping, stands, now).state
    assert moved is not None
    RunsOn(counted, terms or InstallationTerms(), now).add(stands, mapping, moved)
    return counted.as_json(1)


def test_mails_under_one_version_take_no_place_under_the_cap_of_the_other(
    compiled: Callable[[str], Program], noon: datetime
) -> None:
    one_a_year = InstallationTerms(cap=(1, timedelta(days=365)))
    told = month(compiled(JOURNEY), compiled(JOURNEY.replace("3 days", "5 days")), noon, one_a_year)
    assert told["mails"] == {"b": {"before": 1, "after": 1, "within": 0}}


def test_whoever_leaves_as_soon_as_they_are_moved_is_counted_where_they_go(
    compiled: Callable[[str], Program], noon: datetime
) -> None:
    told = month(compiled(JOURNEY), compiled(JOURNEY + WHEN), noon)
    assert told["mails"] == {"b": {"before": 1, "after": 0, "within": 0}}
    assert told["stages"] == {
        "(ended)": {"before": 0, "after": 1, "within": 0}, "trial": {"before": 1, "after": 0, "within": 0},
    }  # fmt: skip
