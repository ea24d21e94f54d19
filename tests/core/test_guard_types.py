"""Guards that can never hold because of their types are found before they are asked; number(), date() and days() read."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from journeys.checks import source
from journeys.facts import guards

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
ORDERED = 'customer.events["Order Completed"]'
JOURNEY = "journey: j\nenter: [{on: E}]\nstart: a\nstages: {a: {steps: [{branch: [{if: '%s', then: [{exit: true}]}]}]}}"


def context(**attributes: Any) -> dict[str, Any]:
    orders = {"count": 2, "sum": 30.0, "first_at": NOW - timedelta(days=9), "last_at": NOW - timedelta(days=2)}
    customer = {**attributes, "events": {"Order Completed": orders}, "segments": ["vip"]}
    return {"customer": customer, "event": None, "enrollment": {}, "now": NOW, "zones": ("Europe/Berlin", None, None)}


@pytest.mark.parametrize(
    ("guard", "why"),
    [
        ('"42" > 18', "'42', a text, and a number cannot be compared; write number('42')"),
        ('now > "2026-01-01"', "now, an instant, and '2026-01-01', a text, cannot be compared; write date('2026-01-01')"),
        (
            "customer.trial_ends < now",
            "customer.trial_ends, which may be text or number but no instant, and now, an instant, cannot be compared; "
            "write date(customer.trial_ends)",
        ),
        ('duration("30d") > now - now', "duration('30d') is none: it is written in hours, minutes and seconds (\"720h\"); write days(30)"),
        ('timestamp("2026-01-01") < now', "timestamp('2026-01-01') is none: it needs a time and a zone; write date('2026-01-01')"),
        (f'{ORDERED}.count > "3"', "customer.events.[\'Order Completed\'].count, a number, and '3', a text, cannot be compared; write number('3')"),
        (f"now - {ORDERED}.last_at > 30", "a duration and a number cannot be compared; write days(…)"),
        ('date("12/10/2026") < now', "date('12/10/2026') can never be read"),
        ("size(customer.plan)", "a number is neither true nor false; compare it with something"),
        ('customer.vip == true && "yes"', "'yes', a text, is neither true nor false; compare it with something"),
        ("days(30)", "a duration is neither true nor false; compare it with something"),
        (f"{ORDERED}.last_at", "customer.events.['Order Completed'].last_at, an instant, is neither true nor false; compare it with something"),
        ('customer.plan in "team"', "'team', a text, is no list, and nothing is in it; compare with == or contains()"),
        (f"{ORDERED}.total > 5", "customer.events.['Order Completed'].total, null, and a number cannot be compared; an event has count, sum, first_at, last_at"),
        ('"a" == 1', "'a', a text, and a number cannot be compared; write number('a')"),
    ],
)  # fmt: skip
def test_a_guard_that_can_never_hold_says_why(guard: str, why: str) -> None:
    assert guards.type_problem(guard) == (True, why)
    assert not guards.evaluate(guard, context()).holds


@pytest.mark.parametrize(
    "guard",
    [
        "customer.age > 18",
        'customer.plan == "team" && !customer.vip == true',
        f"now - {ORDERED}.last_at > days(30)",
        f"{ORDERED}.last_at == null || date(customer.ends) > now",
        'customer.tags.exists(tag, tag > 3) || "vip" in customer.segments',
        "-customer.debt < 5 && size(customer.tags) > 2",
        'now - duration("720h") < now',
        'type(customer.a) == "x" || has(customer.a)',
        'customer.vip || customer.tags[0] || !customer.debt || "a" in customer.tags || "a" in ["a"]',
        'customer.plan == "team" ? customer.vip : true',
    ],
)
def test_a_guard_whose_types_may_fit_is_left_alone(guard: str) -> None:
    guards.check(guard)
    assert (guards.refusal(guard), guards.type_problem(guard)) == (None, None)


def test_a_part_that_never_holds_is_a_warning_where_another_may() -> None:
    assert guards.type_problem('"42" > 18 || customer.vip') == (
        False,
        "'42', a text, and a number cannot be compared; write number('42')",
    )
    assert guards.evaluate('"42" > 18 || customer.vip', context(vip=True)).holds


def test_validation_refuses_what_can_never_hold_and_warns_of_parts() -> None:
    with pytest.raises(source.InvalidJourney) as refused:
        source.read(JOURNEY % 'now > "2026-01-01"')
    (problem,) = refused.value.problems
    assert (problem.code, problem.severity, problem.path[-1]) == ("guard_never_holds", "error", "if")
    _, warnings = source.read(JOURNEY % '"42" > 18 || customer.vip')
    assert [one.code for one in warnings if one.code.startswith("guard")] == ["guard_types"]


# -- what was seen -----------------------------------------------------------------------------------------------------


def test_a_guard_that_fails_for_what_it_saw_says_so() -> None:
    verdict = guards.evaluate("customer.age > 18", context(age="42"))
    assert verdict.seen == {"customer.age": "42"}
    assert verdict.error == "customer.age, a text, and a number cannot be compared; write number(customer.age)"
    alike = guards.evaluate("customer.level == 3", context(level="3"))
    assert alike.error == "customer.level, a text, and a number cannot be compared; write number(customer.level)"
    assert guards.evaluate("customer.level == 3", context(level=2)).error is None
    assert guards.evaluate("customer.level == 3", context()).error is None


@pytest.mark.parametrize(
    ("guard", "attributes", "holds"),
    [
        ("number(customer.age) > 18", {"age": " 42 "}, True),
        ("number(customer.age) > 18", {"age": 17.5}, False),
        ('number(customer.price, ",") == 1234.5', {"price": "1.234,50"}, True),
        ("date(customer.ends) > now", {"ends": "2026-03-03"}, True),
        ("date(customer.ends) > now", {"ends": 1_700_000_000}, False),
        ('date(customer.ends, "DD.MM.YYYY") > now', {"ends": "03.03.2026"}, True),
        ("now - date(customer.since) > days(30)", {"since": "2026-01-01T00:00:00Z"}, True),
        ("now + days(customer.trial) > date(customer.ends)", {"trial": "14", "ends": "2026-03-10"}, True),
        (f"{ORDERED}.last_at < now - days(1.5)", {}, True),
        ("date(customer.ends) == date(customer.starts)", {"ends": "2026-03-03", "starts": "2026-03-02T23:00:00.000Z"}, True),
    ],
)  # fmt: skip
def test_number_date_and_days_read_as_everything_does(guard: str, attributes: dict[str, Any], holds: bool) -> None:
    assert guards.refusal(guard) is None
    assert guards.evaluate(guard, context(**attributes)).holds is holds


def test_what_a_function_cannot_read_is_told_and_what_is_missing_is_not() -> None:
    verdict = guards.evaluate("date(customer.ends) > now", context(ends="12/10/2026"))
    assert (verdict.holds, verdict.error) == (False, "date() cannot read '12/10/2026'")
    assert verdict.unread == {"customer.ends": "12/10/2026"}
    assert guards.evaluate("number(customer.age) > 1", context()).unread == {}
    assert guards.evaluate("number(customer.age) > 1", context(age=" ")).unread == {}


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ("number() > 1", "number() takes a value and how it is written"),
        ("days(1, 2) > days(1)", "days() takes a value"),
        ('number(customer.a, ";") > 1', '\';\' is no decimal mark; write "." or ","'),
        ("date(customer.a, customer.b) > now", "how date() is to read a text must be written out as a text"),
        ('date(customer.a, "%d") > now', "'%d' is no form of dates; write YYYY, MM, DD, HH, mm and ss, such as \"DD.MM.YYYY\""),
    ],
)  # fmt: skip
def test_a_function_that_is_called_wrongly_is_refused(guard: str, said: str) -> None:
    assert guards.refusal(guard) == ("guard_function", said)


# -- never wrong -------------------------------------------------------------------------------------------------------

VALUES = st.sampled_from(
    ["customer.a", "customer.b", "now", f"{ORDERED}.count", f"{ORDERED}.last_at", "customer.segments", "null", "true"]
    + ["3", "2.5", '"x"', '"42"', "number(customer.a)", "date(customer.b)", "days(customer.a)", "days(2)", "now - now"]
    + ["size(customer.segments)", 'duration("1h")', 'duration("30d")', "-3", "!customer.a"]
)  # fmt: skip
JSON = (
    st.none() | st.booleans() | st.integers(-5, 50) | st.floats(-5, 50) | st.sampled_from(["x", "42", "2026-03-01", ""])
)


def compared() -> st.SearchStrategy[str]:
    summed = st.builds("({} {} {})".format, VALUES, st.sampled_from("+-"), VALUES)
    part = VALUES | summed
    return st.builds("({} {} {})".format, part, st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), part)


GUARDS = st.recursive(
    compared() | VALUES | st.builds("({} in {})".format, VALUES, VALUES),
    lambda inner: (
        st.builds("({} && {})".format, inner, inner)
        | st.builds("({} || {})".format, inner, inner)
        | st.builds("!{}".format, inner)
        | st.builds("({} ? {} : {})".format, inner, inner, inner)
    ),
    max_leaves=4,
)


@given(GUARDS, JSON, JSON)
def test_what_is_said_never_to_hold_never_does(guard: str, a: Any, b: Any) -> None:
    problem = guards.type_problem(guard)
    verdict = guards.evaluate(guard, context(**{"a": a, "b": b}))
    if problem is not None and problem[0]:
        assert not verdict.holds
