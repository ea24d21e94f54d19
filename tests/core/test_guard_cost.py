"""What a guard costs: refused before it is published, and not asked where the customer makes it too costly.

The evaluator cannot be stopped, so each bound is proven by never starting what would pass it.
"""

import os
import time
from collections.abc import Mapping
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from journeys.checks import source
from journeys.facts import guard_cost, guard_reads, guard_syntax, guards
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts, EventFacts
from journeys.language.problems import InvalidJourney
from journeys.machine.commands import Ask
from journeys.program.compiler import compile_journey
from journeys.rules import answers, entry_rules
from tests.conftest import NOON

TAGS = "customer.tags"
NESTED = f"{TAGS}.all(a, {TAGS}.all(b, {TAGS}.all(c, {TAGS}.all(d, a + b != c + d))))"
DOUBLING = '["a"]' + ".map(x, x + x)" * 30 + ".size() > 0"
PAIRS = f"{TAGS}.all(a, {TAGS}.exists(b, b == a))"
COSTLY = {
    "four macros within one another": NESTED,
    "a text that doubles thirty times": DOUBLING,
    "a list that doubles thirty times": '["a"]' + ".map(x, [x, x])" * 30 + ".size() > 0",
    "lists written out, gone over in one another": "[1, 2, 3, 4, 5, 6, 7, 8, 9].all(a, " * 7 + "a > 0" + ")" * 7,
    "a pattern of a hundred thousand classes": r'customer.name.matches("(\\w{300}){300}")',
    "a pattern that the customer writes": "customer.name.matches(customer.pattern)",
}
MOST = 2.0
"""Seconds of this thread on a core: forty times the budget, and no matter who else is on the machine."""


def tagged(count: int) -> Mapping[str, Any]:
    return {"customer": {"tags": [f"tag {number}" for number in range(count)], "events": {}}}


def asked(text: str, context: Mapping[str, Any]) -> guards.GuardResult:
    """The verdict, which must come before MOST."""
    began = time.thread_time()
    verdict = guards.evaluate(text, context)
    assert time.thread_time() - began < MOST
    return verdict


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_a_guard_that_costs_too_much_is_refused_at_validation(text: str) -> None:
    journey = {"journey": "a", "start": "s", "enter": [{"on": "E", "when": text}], "stages": {"s": {}}}
    with pytest.raises(InvalidJourney) as refused:
        source.check(journey)
    (problem,) = (one for one in refused.value.problems if one.severity == "error")
    assert (problem.code, problem.path) == ("guard_too_costly", ("enter", 0, "when"))
    assert problem.message.startswith("the guard costs too much: ")


@pytest.mark.parametrize("text", COSTLY.values(), ids=COSTLY)
def test_one_that_was_published_before_is_not_asked(text: str) -> None:
    verdict = asked(text, tagged(800))
    assert (verdict.holds, (verdict.error or "")[:17]) == (False, "guard_too_costly:")


def test_a_guard_over_pairs_is_asked_of_thirty_tags_and_not_of_eight_hundred() -> None:
    assert guards.refusal(PAIRS) is None
    assert asked(PAIRS, tagged(30)) == guards.GuardResult(guard=PAIRS, holds=True, seen={TAGS: "(list)"})
    assert asked(PAIRS, tagged(800)) == guards.GuardResult(
        guard=PAIRS,
        holds=False,
        seen={TAGS: "(list)"},
        error="guard_too_costly: it may take 475 ms; at most 50 ms are allowed",
    )


def test_guards_that_one_event_asks_share_what_one_may_cost() -> None:
    """A hundred triggers that each stay within the bound would hold everybody's events for seconds."""
    guard = f"!({PAIRS})"
    enter = [{"on": "E", "when": f"{guard} && customer.n == {one}"} for one in range(99)]
    enter.append({"on": "E", "when": 'customer.plan == "pro"'})
    program = compile_journey(source.check({"journey": "a", "start": "s", "enter": enter, "stages": {"s": {}}})[0])
    facts = CustomerFacts(attributes={"tags": [f"tag {one}" for one in range(200)], "plan": "pro"}, aggregates={})
    event = EventFacts(name="E", properties={}, at=NOON)
    began = time.thread_time()
    told = entry_rules.triggered(program, facts, event, NOON)
    assert time.thread_time() - began < MOST
    errors = [one.error for one in told.asked]
    assert errors[0] is None
    assert (errors[1] or "").endswith("at most 50 ms are allowed together")
    assert sum(one is not None for one in errors) == 98
    assert told.enters, "what goes over nothing is asked all the same"


def test_events_of_a_batch_share_what_twenty_may_cost() -> None:
    enter = [{"on": "E", "when": f"!({PAIRS})"}]
    program = compile_journey(source.check({"journey": "a", "start": "s", "enter": enter, "stages": {"s": {}}})[0])
    facts = CustomerFacts(attributes={"tags": [f"tag {one}" for one in range(200)]}, aggregates={})
    event, batch = EventFacts(name="E", properties={}, at=NOON), guard_cost.Purse(guard_cost.BATCH)
    told = [entry_rules.triggered(program, facts, event, NOON, batch).asked[0].error for _ in range(50)]
    asked = [one is None for one in told]
    assert (asked.index(False), asked.count(True)) == (33, 33)
    assert entry_rules.triggered(program, facts, event, NOON).asked[0].error is None, "a batch of its own"


def test_guards_that_a_wake_asks_at_once_share_it_too() -> None:
    transitions = [{"on": "E", "when": f"!({PAIRS}) && customer.n == {one}", "to": "t"} for one in range(50)]
    stages = {"s": {"transitions": transitions}, "t": {}}
    program = compile_journey(source.check({"journey": "a", "start": "s", "enter": [{"on": "E"}], "stages": stages})[0])
    facts = CustomerFacts(attributes={"tags": [f"tag {one}" for one in range(200)]}, aggregates={})
    ask = Ask(number=1, at=NOON, seq=1, why="event", stage="s", visit=1, guards=tuple(map(str, program.guards)))
    event, run = EventFacts(name="E", properties={}, at=NOON), EnrollmentFacts(data={}, entered_at=NOON)
    _, told = answers.answer(program, ask, facts, event, run)
    assert [one.error is None for one in told] == [True] + 49 * [False]


def test_one_over_the_same_list_once_is_asked_of_eight_hundred() -> None:
    assert asked(f'{TAGS}.exists(tag, tag == "tag 799")', tagged(800)).holds


def test_a_customer_with_a_million_values_costs_a_guard_nothing_that_it_does_not_read() -> None:
    customer = {"plan": "pro", "orders": [{"items": list(range(1000))} for _ in range(1000)]}
    assert asked('customer.plan == "pro"', {"customer": customer}).holds
    assert (asked("size(customer) > 1", {"customer": customer}).error or "").startswith("guard_too_costly: it reads")


def test_a_path_of_thousands_of_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="nests deeper than 40 levels"):
        guards.check("customer" + ".a" * 1900 + " == 1")


def test_data_as_deep_as_it_likes_is_not_handed_over() -> None:
    deep: dict[str, Any] = {}
    for _ in range(5_000):
        deep = {"a": deep}
    assert (asked("customer.a == 1", {"customer": deep}).error or "").startswith("guard_too_costly:")


def test_a_function_that_there_is_not_is_told_at_validation() -> None:
    assert guards.refusal('customer.name.startswith("A")') == (
        "unknown_function",
        "the guard calls startswith(), which there is not; did you mean startsWith()?",
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("customer.tags[9] == 1", "index out of bounds: 9"),
        ("1 / customer.none > 1", "division by zero in CEL expression"),
        ("int(customer.huge) > 1", "Function 'int' error: integer overflow"),
    ],
)
def test_a_guard_that_fails_in_any_way_counts_as_false(text: str, error: str) -> None:
    verdict = guards.evaluate(text, {"customer": {"tags": [], "none": 0, "huge": 1e300}})
    assert (verdict.holds, (verdict.error or "").startswith(error)) == (False, True)


def test_has_tells_whether_the_customer_has_it() -> None:
    assert guards.evaluate("has(customer.plan) && !has(customer.zip)", {"customer": {"plan": None}}).holds


scalars = st.sampled_from(["1", "2.5", '"a"', "'é'", "true", "null", "b'x'", r'"\x41\\d"', "x", "y", "now"])
paths = st.sampled_from([TAGS, "customer.name", "customer.orders", 'customer["a b"].c', "event.properties", "customer"])


def grown(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    macros = st.sampled_from(["all", "exists", "exists_one", "map", "filter"])
    operators = st.sampled_from(["+", "-", "*", "==", "!=", "<", "in", "&&", "||"])
    return st.one_of(
        st.builds("({} {} {})".format, inner, operators, inner),
        st.builds("{}.{}({}, {})".format, inner, macros, st.sampled_from("xy"), inner),
        st.builds("{}.map(x, {}, {})".format, inner, inner, inner),
        st.builds("[{}, {}]".format, inner, inner),
        st.builds("{{'k': {}, 'l': {}}}".format, inner, inner),
        st.builds("({} ? {} : {})".format, inner, inner, inner),
        st.builds("{}[{}]".format, inner, inner),
        st.builds("{}.k".format, inner),
        st.builds("!({})".format, inner),
        st.builds("size({})".format, inner),
        st.builds("string({})".format, inner),
        st.builds('{}.matches("(a|b)*a(a|b){{9}}$")'.format, inner),
    )


trees = st.recursive(st.one_of(scalars, paths), grown, max_leaves=25)
values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text("ab", max_size=60)),
    lambda inner: st.one_of(
        st.lists(inner, max_size=40), st.dictionaries(st.text("akl", max_size=2), inner, max_size=9)
    ),
    max_leaves=60,
)


@settings(max_examples=int(os.environ.get("WAYPOST_GUARDS", "100")), deadline=None)
@given(trees, values, values, st.integers(0, 6))
def test_whatever_the_guard_it_ends(text: str, tags: Any, orders: Any, more: int) -> None:
    body = f"{TAGS}.all(x, {TAGS}.all(y, ({text}) == 1))"
    context = {
        "customer": {"tags": tags, "orders": [orders] * 4**more, "name": "ab" * 500, "a b": {"c": tags}},
        "event": {"properties": {"k": tags}},
        "now": 1,
    }
    asked(body, context)


@settings(max_examples=200, deadline=None)
@given(trees)
def test_the_tree_that_is_costed_is_the_one_that_is_run(text: str) -> None:
    """Every name and function that the evaluator finds stands in our tree."""
    program, tree = cel.compile(text), guard_syntax.parse(text)
    called = {node.name for node in guard_syntax.walk(tree) if isinstance(node, guard_syntax.FunctionCall)}
    assert set(program.variables()) <= set(guard_reads.names(tree))
    assert {name for name in program.functions() if name.isidentifier()} <= called


@given(st.integers(0, 60), st.integers(0, 60))
def test_the_bound_grows_with_what_is_gone_over(some: int, more: int) -> None:
    tree = guard_syntax.parse(PAIRS)
    fewer, greater = sorted((some, more))
    assert guard_cost.bound(tree, tagged(fewer)) <= guard_cost.bound(tree, tagged(greater))
