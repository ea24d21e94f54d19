"""Caps, quiet hours and topics in a simulation: what would collide is seen before anything is published."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

from journeys.facts.calendar import Window
from journeys.program.program import Program
from journeys.rules.policy import ALLOWED, Deferred, InstallationTerms, Skipped, TopicTerms
from journeys.simulation import backtest
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import RecordedEvent

BEGIN = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
JOURNEY = """
journey: busy
enter: [{on: Signed Up}]
reentry: always
start: new
stages:
  new:
    steps:
      - {id: one, send: {template: mail_a, topic: news}}
      - {id: two, send: {template: mail_b, topic: news, expires: 2 days}}
      - {id: three, send: {template: mail_c, topic: orders}}
    final: true
"""
Compiled = Callable[[str], Program]


def customer(*at: datetime) -> CustomerHistory:
    events = [RecordedEvent(seq=place, name="Signed Up", at=one) for place, one in enumerate(at, 1)]
    return CustomerHistory(id="ann", events=events, attributes={"email": "ann@example.com"}, timezone="Europe/Berlin")


def test_a_cap_is_met_in_the_simulation_as_in_production(compiled: Compiled) -> None:
    terms = InstallationTerms(
        topics={"news": TopicTerms(cap=(1, timedelta(days=7))), "orders": TopicTerms(transactional=True)}
    )
    post = by_policy(assume_address=False, installation=terms)
    (enrollment,) = backtest.enrollments(compiled(JOURNEY), customer(BEGIN), BEGIN + timedelta(days=30), post)
    assert [(one.template, one.verdict) for one in enrollment.trace.mails] == [
        ("mail_a", ALLOWED),
        ("mail_b", Skipped("frequency_cap")),
        ("mail_c", ALLOWED),
    ]


def test_the_cap_counts_over_all_runs_of_a_customer(compiled: Compiled) -> None:
    terms = InstallationTerms(cap=(3, timedelta(days=7)), topics={"orders": TopicTerms(transactional=True)})
    totals = backtest.totals(
        compiled(JOURNEY),
        [customer(BEGIN, BEGIN + timedelta(days=1))],
        BEGIN + timedelta(days=30),
        by_policy(assume_address=False, installation=terms),
    )
    assert (totals.messages, totals.skipped) == ({"mail_a": 2, "mail_b": 1, "mail_c": 2}, {"frequency_cap": 1})


def test_quiet_hours_put_a_simulated_mail_off(compiled: Compiled) -> None:
    terms = InstallationTerms(awake=Window(opens=time(8), closes=time(21)))
    late = datetime(2026, 3, 2, 22, 30, tzinfo=UTC)
    (enrollment,) = backtest.enrollments(
        compiled(JOURNEY), customer(late), late + timedelta(days=3), by_policy(assume_address=False, installation=terms)
    )
    morning = datetime(2026, 3, 3, 7, 0, tzinfo=UTC)
    assert enrollment.trace.mails[0].verdict == Deferred(morning, "quiet_hours")
    assert [one.at for one in enrollment.trace.planned] == [morning, morning, morning]
