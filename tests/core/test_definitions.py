"""Definitions: what is wrong, where, and what would be right."""

import json
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from journeys.checks import hooks, shape, source
from journeys.checks.lint import ValidationContext
from journeys.facts import guards
from journeys.language import handbook
from journeys.language.problems import DefinitionProblem, InvalidJourney

ROOT = Path(__file__).parent.parent.parent


def problems(text: str) -> list[tuple[str, str, int | None]]:
    """Code, path and line of every problem."""
    with pytest.raises(InvalidJourney) as caught:
        source.read(text)
    return [(one.code, one.where, one.line) for one in caught.value.problems]


def stage(steps: str) -> str:
    return f"journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - {steps}\n"


def load_cases() -> list[dict[str, Any]]:
    return YAML(typ="safe").load((Path(__file__).parent / "invalid.yaml").read_text())


CASES = load_cases()
AROUND = ValidationContext(
    templates=frozenset({"welcome", "goodbye"}),
    events=frozenset({"Signed Up", "Order Completed", "Tour Watched", "E", "F"}),
    segments=frozenset({"vip", "dormant"}),
    journeys=frozenset({"win_back", "lifecycle"}),
    secrets=frozenset({"crm_token"}),
)


def found_in(text: str, around: ValidationContext = AROUND) -> list[str]:
    """Every problem, as its code and what a marketer reads."""
    try:
        problems: Sequence[DefinitionProblem] = source.read(text, around)[1]
    except InvalidJourney as invalid:
        problems = invalid.problems
    return [f"{one.code}: {one}" + (" [warning]" if one.severity == "warning" else "") for one in problems]


@pytest.mark.parametrize("case", CASES, ids=[one["name"].replace(" ", "-") for one in CASES])
def test_each_mistake_is_named_with_its_place(case: dict[str, Any]) -> None:
    assert found_in(case["definition"]) == case["problems"]


def test_there_are_cases_for_every_code_of_the_language() -> None:
    seen = {problem.partition(":")[0] for case in CASES for problem in case["problems"]}
    named = {code for code, _ in shape.CODES.values()} - {"step_verb"}
    assert named - seen == {"too_large"}
    assert len(CASES) >= 60


def test_json_and_yaml_are_judged_alike() -> None:
    text = '{"journey": "j", "start": "a", "stages": {"a": {"final": true, "steps": [{"send": "welcom"}]}}}'
    with pytest.raises(InvalidJourney) as caught:
        source.read(text, AROUND)
    assert [(one.code, one.where, one.line) for one in caught.value.problems] == [
        ("unknown_template", "stages.a.steps[0].send", None),
        ("no_topic", "stages.a.steps[0].send", None),
    ]


def edited(before: str, after: str) -> list[str]:
    """The codes found in `after`, which follows the live version `before`."""
    previous, _ = source.read(stage(before))
    return [one.partition(":")[0] for one in found_in(stage(after), ValidationContext(previous=previous))]


def test_an_edit_that_moves_ids_is_found() -> None:
    two, three = "send: x\n      - send: x", "send: x\n      - send: y\n      - send: x\n      - send: x"
    assert edited(two, three).count("moved_id") == 3
    assert "moved_id" not in edited(two, two)
    assert "moved_id" not in edited("send: x", "send: x\n      - send: y")


def test_a_holdout_that_comes_later_is_found() -> None:
    without = "split: {id: s, variants: {x: {weight: 1}}}"
    with_one = "split: {id: s, variants: {x: {weight: 1}, y: {weight: 1, holdout: true}}}"
    assert "new_holdout" in edited(without, with_one)
    assert "new_holdout" not in edited(with_one, with_one)


def test_an_id_used_twice_is_found() -> None:
    text = stage("{id: x, send: a}") + "      - {id: x, send: b}\n"
    assert ("duplicate_id", "stages.a.steps[1].id", 7) in problems(text)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a: " + "[" * 60 + "]" * 60, "too_deep"),
        ("x: &a [1,1,1,1,1,1,1,1,1]\n" + "".join(f"y{i}: &b{i} [*{'a' if i == 0 else f'b{i - 1}'},*{'a' if i == 0 else f'b{i - 1}'},*{'a' if i == 0 else f'b{i - 1}'},*{'a' if i == 0 else f'b{i - 1}'}]\n" for i in range(12)), "too_large"),
        ("x" * 1_000_001, "too_large"),
    ],
)  # fmt: skip
def test_a_document_that_is_a_bomb_is_refused(text: str, code: str) -> None:
    assert problems(text)[0][0] == code


@pytest.mark.parametrize(
    "text",
    ["a: " + "[" * 100_000, "a: " + "[" * 100_000 + "]" * 100_000, "a: " + "{a: " * 50_000, "- " * 100_000],
    ids=["open brackets", "brackets", "braces", "dashes"],
)
def test_a_document_that_nests_is_read_no_deeper_than_it_may(text: str) -> None:
    began = time.thread_time()
    assert problems(text) == [("too_deep", "(document)", None)]
    assert time.thread_time() - began < 0.5


def test_a_document_of_too_many_values_is_read_no_further_than_it_may() -> None:
    unreadable = "}"
    assert [code for code, *_ in problems(f"a: [1, {unreadable}]")] != ["too_large"]
    assert problems("a: [" + "1," * 50_001 + unreadable) == [("too_large", "(document)", None)]


@pytest.mark.parametrize("number", ["9" * 5_000, "-" + "9" * 5_000, str(2**63), "0x" + "F" * 5_000, "0o" + "7" * 5_000])
def test_a_number_that_nobody_keeps_is_refused_with_its_place(number: str) -> None:
    assert problems(stage(f"set: {{x: {number}}}")) == [("number", "stages.a.steps[0].set.x", 6)]


def test_the_largest_number_is_read() -> None:
    assert source.parse(f"[{2**63 - 1}, {-(2**63)}, 0x7FFFFFFFFFFFFFFF]").data == [2**63 - 1, -(2**63), 2**63 - 1]


def test_a_number_of_5000_digits_in_json_is_refused() -> None:
    with pytest.raises(InvalidJourney) as caught:
        source.parse(f'{{"x": {"9" * 5_000}}}')
    assert [one.code for one in caught.value.problems] == ["number"]


def test_of_one_kind_of_problem_the_first_hundred_are_told() -> None:
    text = json.dumps(
        {"journey": "j", "start": "a", "stages": {"a": {"steps": [{"send": f"mail_{n}"} for n in range(1_500)]}}}
    )
    began = time.thread_time()
    found = found_in(text, ValidationContext(templates=frozenset(f"letter_{n}" for n in range(500))))
    assert time.thread_time() - began < 2
    assert len([one for one in found if one.startswith("unknown_template")]) == 100
    assert found[0].endswith(", letter_132, letter_133 and 460 more")


def test_a_guard_of_100_kb_is_refused() -> None:
    guard = "true || " * 12_500 + "true"
    assert problems(stage(f"branch: [{{if: '{guard}', then: []}}]"))[0][0] == "guard"


def test_yaml_reads_on_as_a_word_and_nine_o_clock_as_a_text() -> None:
    journey, _ = source.read(
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages: {a: {steps: [{wait: {until: 09:00}}]}}"
    )
    assert journey.enter[0].on == "Signed Up"


def test_the_digest_does_not_depend_on_how_it_was_written() -> None:
    yaml, _ = source.read("journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - send: x\n")
    json_form, _ = source.read('{"journey": "j", "start": "a", "stages": {"a": {"steps": [{"send": "x"}]}}}')
    assert yaml.digest() == json_form.digest()


def test_the_example_of_the_documentation_is_valid() -> None:
    text = (ROOT / "examples" / "cdnow" / "lifecycle.yaml").read_text()
    journey, warnings = source.read(text)
    assert list(journey.stages) == ["first_time_buyer", "repeat_buyer", "core", "lapsed", "inactive"]
    assert warnings == ()


def test_the_schema_in_the_repository_is_the_one_of_the_code() -> None:
    stored = json.loads((ROOT / "docs" / "journey.schema.json").read_text())
    assert stored == handbook.json_schema()


def test_a_journey_of_ten_thousand_steps_is_refused_in_a_sentence() -> None:
    steps = "".join("      - send: welcome\n" for _ in range(10_000))
    found = found_in(f"journey: j\nstart: a\nstages:\n  a:\n    steps:\n{steps}")
    assert found[0].startswith("too_large: line 5, stages.a.steps: this is too long")
    assert found[0].endswith("expected at most 2000")


# -- what is likely meant ----------------------------------------------------------------------------------------------

EVERY_CLASS = """
journey: j
enter: [{on: Signed Up, when: customer.plan = "team"}]
defaults: {topic: nws}
start: a
stages:
  a:
    steps:
      - send: welcom
      - branch: [{if: customer.plan == team, then: [{send: welcome}]}]
      - branch: [{if: customer.contry == "DE", then: [{send: welcome}]}]
      - webhook: http://127.0.0.1:9/x
      - split: {id: s, variants: {x: {weight: 1}, y: {weight: 0}}}
      - exit: true
      - send: welcome
    transitions: [{on: X, to: bb}]
  b: {steps: [{go: b}]}
"""


def test_problems_of_every_class_are_told_in_one_pass() -> None:
    """Shape, guards, names, flow: nobody mends one to hear of the next."""
    around = ValidationContext(
        templates=frozenset({"welcome"}), topics=frozenset({"news"}), attributes=frozenset({"plan", "country"})
    )
    assert found_in(EVERY_CLASS, around) == [
        "guard: line 3, enter[0].when: the guard has = at character 15, which compares nothing; write == "
        "(found 'customer.plan = \"team\"')",
        "guard: line 10, stages.a.steps[1].branch[0].if: the guard reads 'team'; a text stands in quotes: \"team\" "
        "(found 'customer.plan == team')",
        "unknown_stage: line 16, stages.a.transitions[0].to: there is no stage 'bb'; expected 'b', the nearest name",
        "unknown_template: line 9, stages.a.steps[0].send: there is no template 'welcom'; "
        "expected 'welcome', the nearest name",
        "endless_loop: line 17, stages.b: these stages follow each other without ever waiting: b → b; "
        "expected a wait on the way round",
        "refused_host: line 12, stages.a.steps[3].webhook.url: 127.0.0.1 is inside the own network, and is not called "
        "unless WAYPOST_HOOKS_PRIVATE allows it (found '127.0.0.1'); expected an address that everybody can reach [warning]",
        "unknown_topic: line 4, defaults.topic: the topic 'nws' has no terms, so whoever says nothing gets it; "
        "expected 'news', the nearest name [warning]",
        "unknown_attribute: line 11, stages.a.steps[2].branch[0].if: no customer has the attribute 'contry', "
        "so the guard sees null; expected 'country', the nearest name [warning]",
        "weight_zero: line 13, stages.a.steps[4].split.variants.y.weight: the variant 'y' has the weight 0, "
        "so nobody new gets it; expected a weight of at least 1, or no such variant [warning]",
        "unreachable_step: line 15, stages.a.steps[6]: nobody reaches the steps behind this exit; "
        "expected nothing behind it, or the step before it [warning]",
    ]


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://localhost:8000/x", "localhost"), ("http://crm.internal/x", "crm.internal"),
        ("http://10.1.2.3/x", "10.1.2.3"), ("http://[::1]/x", "::1"), ("http://169.254.169.254/", "169.254.169.254"),
        ("https://crm.example.com/x", None), ("https://8.8.8.8/x", None), ("https://internal.example.com/x", None),
        ("http://[::1", None), ("http://2130706433/x", "2130706433"), ("http://127.1/x", "127.1"),
        ("http://0x7f.1/x", "0x7f.1"), ("http://0177.0.0.1/", "0177.0.0.1"), ("http://[::ffff:10.0.0.1]/", "::ffff:10.0.0.1"),
        ("http://224.0.0.1/", "224.0.0.1"), ("http://[64:ff9b::7f00:1]/", "64:ff9b::7f00:1"), ("http://134744072/", None),
        ("http://7/x", "7"), ("https://7.example.com/", None),
    ],
)  # fmt: skip
def test_a_host_of_the_own_network_is_known_by_its_name_or_address(url: str, host: str | None) -> None:
    assert hooks.refused_host(url) == host


@pytest.mark.parametrize(
    ("private", "told"),
    [
        (
            None,
            "10.0.0.7 is inside the own network, and is not called unless WAYPOST_HOOKS_PRIVATE allows it [warning]",
        ),
        (False, "10.0.0.7 is inside the own network, and is never called, since WAYPOST_HOOKS_PRIVATE is off"),
        (True, None),
    ],
)
def test_a_call_that_could_never_be_made_is_an_error_where_that_is_known(
    private: bool | None, told: str | None
) -> None:
    text = "journey: j\nenter: [{on: E}]\nstart: a\nstages: {a: {steps: [{webhook: 'http://10.0.0.7/x'}], final: true}}"
    found = found_in(text, ValidationContext(private_hooks=private))
    shown = [one.replace(" (found '10.0.0.7'); expected an address that everybody can reach", "") for one in found]
    assert shown == ([f"refused_host: line 4, stages.a.steps[0].webhook.url: {told}"] if told else [])


@pytest.mark.parametrize(
    "guard", ['customer.name == "a = b"', "customer.a >= 1 && customer.b != 2", 'customer.name == "team"']
)
def test_a_comparison_that_is_one_is_left_alone(guard: str) -> None:
    guards.check(guard)


@pytest.mark.parametrize(
    ("guard", "hint"),
    [
        ("customer.plan == team", '"team"'),
        ("customer.plan in [team, pro]", '"team"'),
        ("team == customer.plan", "a guard reads customer, event, enrollment, now"),
        ("custmer.plan == 1", "did you mean 'customer'?"),
    ],
)
def test_an_unquoted_text_is_told_from_a_misspelt_variable(guard: str, hint: str) -> None:
    with pytest.raises(ValueError, match=re.escape(hint)):
        guards.check(guard)


def test_what_a_step_sets_is_an_attribute_that_there_is() -> None:
    text = stage("set: {score: 1}") + "      - branch: [{if: customer.score > 1 && customer.email != null, then: []}]\n"
    around = ValidationContext(attributes=frozenset({"plan"}))
    assert [one for one in found_in(text, around) if one.startswith("unknown_attribute")] == []
