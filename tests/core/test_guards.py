"""Guards: absent is null or zero, failures are false, and what was seen is told."""

import pytest

from journeys.facts import guards

COUNT = 'customer.events["Order Completed"].count'


def test_a_guard_reads_aggregates_and_says_what_it_saw() -> None:
    context = {"customer": {"events": {"Order Completed": {"count": 6}}}}
    text = f"{COUNT} >= 5"
    assert guards.evaluate(text, context) == guards.GuardResult(guard=text, holds=True, seen={COUNT: 6})


def test_an_absent_attribute_is_null_and_an_absent_event_zero() -> None:
    text = f'customer.plan == "team" || {COUNT} > 0'
    result = guards.evaluate(text, {"customer": {"events": {}}})
    assert result == guards.GuardResult(guard=text, holds=False, seen={"customer.plan": None, COUNT: 0})


def test_a_guard_that_fails_is_false_and_says_so() -> None:
    verdict = guards.evaluate("customer.age > 18", {"customer": {"age": "old"}})
    assert not verdict.holds
    assert verdict.error is not None
    assert verdict.seen == {"customer.age": "old"}


def test_a_guard_that_gives_no_truth_value_is_false() -> None:
    assert guards.evaluate("customer.age + 1", {"customer": {"age": 1}}).error == "gave int, not true or false"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("foo == 1", "reads 'foo'"),
        ("customer.x +", "does not compile"),
        ("true || " * 600 + "true", "at most 4000"),
    ],
)
def test_what_is_no_guard_is_refused_with_a_sentence(text: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        guards.check(text)


def test_names_bound_by_a_macro_are_known() -> None:
    guards.check('customer.tags.exists(tag, tag == "vip")')


def test_the_events_a_guard_reads_are_known() -> None:
    assert guards.reads(f"{COUNT} > 1") == {"Order Completed"}
    assert guards.reads("customer.plan == 'a'") == set(guards.PROFILE_EVENTS)
    assert guards.reads("'vip' in customer.segments") == set(guards.SEGMENT_EVENTS)
    assert guards.reads("event.name == 'x' && enrollment.stage == 'a'") == set()
    assert guards.reads("size(customer.events) > 3") == {guards.ANY_EVENT}


def test_evaluating_changes_nothing_of_what_it_was_given() -> None:
    customer = {"address": {"city": "Bonn"}, "events": {}}
    guards.evaluate('customer.address.country == "DE"', {"customer": customer})
    assert customer == {"address": {"city": "Bonn"}, "events": {}}


VALUES = (None, True, False, 1, 0, 1.0, 2, "1", "team", "", [1], {"b": 1})


@pytest.mark.parametrize(
    "text",
    [
        "customer.a == 1", "customer.a == true", "customer.a == customer.b", "!customer.a", 'customer.a == "team"',
        "customer.a > 0", "size(customer.a) > 2", "customer.a.b == 1", "has(customer.a)", f"{COUNT} > customer.a",
    ],
)  # fmt: skip
def test_what_is_asked_a_second_time_says_what_it_said_at_first(text: str) -> None:
    """Answers are kept by what was read, and 1, 1.0 and true are three."""
    contexts = [{"customer": {"a": one, "b": other}} for one in VALUES for other in (True, 1)]
    contexts += [{"customer": {"b": 1}}, {"customer": {"events": {"Order Completed": {"count": 2}}, "a": 1}}]
    first = list[guards.Computed]()
    for one in contexts:
        guards._of_plain.cache_clear()
        first.append(guards.compute(text, one))
    assert [repr(guards.compute(text, one)) for one in contexts] == [repr(one) for one in first]
    assert [repr(guards.compute(text, one)) for one in contexts] == [repr(one) for one in first]
