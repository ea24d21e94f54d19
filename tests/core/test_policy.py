"""What becomes of a mail, given the terms it was ordered on, its recipient, and the limits that hold."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.program.send_terms import SendTerms
from journeys.rules import awaited, policy
from journeys.rules.policy import ALLOWED, Cap, Deferred, Limits, Recipient, Skipped, Verdict

NOON = datetime(2026, 3, 3, 12, 0, tzinfo=UTC)  # a Tuesday
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
ANN = Recipient(email="ann@example.com")
NEWS = SendTerms(topic="news")
ORDERS = SendTerms(topic="orders", transactional=True)
MORNINGS = Window(opens=time(9), closes=time(11))
AWAKE = Window(opens=time(8), closes=time(11))
FULL = Cap(most=1, per=DAY, sent=(NOON - 3 * HOUR,))


@pytest.mark.parametrize(
    ("terms", "recipient", "limits", "verdict"),
    [
        (NEWS, ANN, Limits(), ALLOWED),
        (NEWS, Recipient(email=None), Limits(), Skipped("no_address")),
        (ORDERS, replace(ANN, valid=False), Limits(), Skipped("invalid_address")),
        (ORDERS, replace(ANN, suppressed=True), Limits(), Skipped("suppressed")),
        (NEWS, replace(ANN, consent=False), Limits(), Skipped("unsubscribed")),
        (NEWS, ANN, Limits(opt_in=True), Skipped("no_consent")),
        (NEWS, replace(ANN, pending=True), Limits(opt_in=True), Skipped("unconfirmed")),
        (NEWS, replace(ANN, control=True), Limits(), Skipped("holdout")),
        (NEWS, replace(ANN, mailable=False), Limits(), Skipped("not_mailable")),
        (replace(NEWS, mailable=False), ANN, Limits(), Skipped("not_mailable")),
        (NEWS, replace(ANN, mailable=False, consent=False), Limits(), Skipped("unsubscribed")),
        (ORDERS, replace(ANN, sandboxed=True), Limits(), Skipped("sandbox")),
        (NEWS, ANN, Limits(awake=AWAKE), Deferred(NOON + 20 * HOUR, "quiet_hours")),
        (NEWS, ANN, Limits(caps=(FULL,)), Deferred(NOON + 21 * HOUR, "frequency_cap")),
        (replace(NEWS, expires=HOUR), ANN, Limits(caps=(FULL,)), Skipped("frequency_cap")),
        (replace(NEWS, expires=HOUR), ANN, Limits(awake=AWAKE), Skipped("expired")),
        (replace(NEWS, window=MORNINGS), ANN, Limits(), Deferred(NOON + 21 * HOUR, "send_window")),
    ],
)
def test_each_verdict_has_its_reason(terms: SendTerms, recipient: Recipient, limits: Limits, verdict: Verdict) -> None:
    assert policy.decide(terms, recipient, due=NOON, now=NOON, limits=limits) == verdict


LATER = NOON + 2 * HOUR


@pytest.mark.parametrize(
    ("terms", "recipient", "limits", "verdict"),
    [
        (NEWS, Recipient(email=None), Limits(), Deferred(NOON + 3 * DAY, "no_address_yet")),
        (replace(NEWS, expires=DAY), Recipient(email=None), Limits(), Deferred(NOON + DAY, "no_address_yet")),
        (replace(NEWS, expires=2 * HOUR), Recipient(email=None), Limits(), Skipped("no_address")),
        (NEWS, Recipient(email=None, consent=False), Limits(), Skipped("unsubscribed")),
        (NEWS, Recipient(email=None, control=True), Limits(), Skipped("holdout")),
        (ORDERS, Recipient(email=None, control=True), Limits(), Deferred(NOON + 3 * DAY, "no_address_yet")),
        (replace(NEWS, late="skip"), ANN, Limits(), ALLOWED),
        (replace(NEWS, window=MORNINGS), ANN, Limits(), Deferred(NOON + 21 * HOUR, "send_window")),
    ],
)
def test_a_steps_mail_waits_for_an_address_and_is_due_when_that_is_there(
    terms: SendTerms, recipient: Recipient, limits: Limits, verdict: Verdict
) -> None:
    due = awaited.due_since(NOON, LATER, recipient.email)
    assert policy.decide(terms, recipient, due=due, now=LATER, limits=limits, awaits_address=True) == verdict


@pytest.mark.parametrize("needed", [(ORDERS, Limits()), (NEWS, Limits(transactional=True))])
def test_transactional_mail_asks_for_no_consent_no_hour_and_no_cap(needed: tuple[SendTerms, Limits]) -> None:
    terms, limits = needed
    limits = replace(limits, opt_in=True, awake=AWAKE, caps=(FULL,))
    refusing = replace(ANN, consent=False, control=True, mailable=False)
    assert policy.decide(replace(terms, mailable=False), refusing, due=NOON, now=NOON, limits=limits) == ALLOWED


@pytest.mark.parametrize(
    ("late", "verdict"),
    [("send", ALLOWED), ("skip", Skipped("late")), ("next_window", Deferred(NOON + 21 * HOUR, "send_window"))],
)
def test_what_is_overdue_goes_by_its_late(late: str, verdict: Verdict) -> None:
    terms = replace(NEWS, window=MORNINGS, late=late)
    assert policy.decide(terms, ANN, due=NOON - 2 * HOUR, now=NOON) == verdict


@pytest.mark.parametrize(
    ("recipient", "terms", "limits", "until"),
    [
        ("Asia/Tokyo", "Europe/Berlin", "UTC", "2026-03-04T00:00:00+00:00"),
        (None, "Europe/Berlin", "UTC", "2026-03-04T08:00:00+00:00"),
        (None, None, "America/New_York", "2026-03-03T14:00:00+00:00"),
        (None, None, None, "2026-03-04T09:00:00+00:00"),
    ],
)
def test_hours_are_read_by_the_nearest_clock(
    recipient: str | None, terms: str | None, limits: str | None, until: str
) -> None:
    """The customer's, else the journey's, else the installation's, else UTC."""
    verdict = policy.decide(
        replace(NEWS, window=MORNINGS, timezone=terms), replace(ANN, timezone=recipient),
        due=NOON, now=NOON, limits=Limits(timezone=limits),
    )  # fmt: skip
    assert verdict == Deferred(datetime.fromisoformat(until), "send_window")


def test_a_step_states_its_terms_in_full(compiled: Callable[[str], Program]) -> None:
    program = compiled(
        """
journey: j
timezone: Europe/Berlin
defaults: {topic: news, late: skip, send_window: {from: "09:00", to: "11:00"}}
start: a
stages: {a: {steps: [{id: s, send: {template: x, expires: 2 days}}, {id: t, send: {template: y, transactional: true}}]}}
"""
    )
    nodes = [program.nodes[NodeId(one)] for one in ("s", "t")]
    first, second = (one.terms for one in nodes if isinstance(one, SendNode))
    assert first == SendTerms(
        topic="news", expires=2 * DAY, late="skip", window=MORNINGS, timezone="Europe/Berlin"
    )  # fmt: skip
    assert second == SendTerms(topic="news", transactional=True, late="skip", timezone="Europe/Berlin")


# -- hours that never meet ---------------------------------------------------------------------------------------------


NIGHT = Window(opens=time(22), closes=time(6))
DAYTIME = Window(opens=time(8), closes=time(21))


@pytest.mark.parametrize(
    ("one", "other", "meet"),
    [
        (NIGHT, DAYTIME, False),
        (Window(opens=time(22), closes=time(8, 30)), DAYTIME, True),
        (Window(opens=time(22), closes=time(8)), DAYTIME, False),
        (Window(opens=time(9), closes=time(18), days=frozenset({0})), DAYTIME, True),
        (Window(opens=time(9), closes=time(18), days=frozenset({0})), Window(opens=time(9), closes=time(18), days=frozenset({1})), False),
        (Window(opens=time(22), closes=time(6), days=frozenset({6})), Window(opens=time(1), closes=time(2), days=frozenset({0})), True),
        (Window(opens=time(22), closes=time(6), days=frozenset({6})), Window(opens=time(1), closes=time(2), days=frozenset({6})), False),
    ],
)  # fmt: skip
def test_whether_two_windows_ever_meet(one: Window, other: Window, meet: bool) -> None:
    assert calendar.meet(one, other) is calendar.meet(other, one) is meet


@pytest.mark.parametrize(("expires", "days"), [(timedelta(days=1), 1), (None, 3)])
def test_a_mail_whose_hours_never_meet_waits_for_them_to_be_mended_and_is_skipped_at_last(
    expires: timedelta | None, days: int
) -> None:
    terms = SendTerms(window=NIGHT, expires=expires)
    now, asked = NOON, 0
    while isinstance(verdict := policy.decide(terms, ANN, due=NOON, now=now, limits=Limits(awake=DAYTIME)), Deferred):
        assert verdict.reason == "no_common_hour"
        now, asked = verdict.until, asked + 1
        assert awaited.still_due(verdict.reason, NOON) == NOON
    assert (verdict, now, asked) == (Skipped("no_common_hour"), NOON + timedelta(days=days), 4 * days)
    assert (
        policy.decide(
            SendTerms(window=NIGHT, transactional=True), ANN, due=NOON, now=NOON, limits=Limits(awake=DAYTIME)
        )
        != verdict
    )
