"""Definitions: what is wrong, where, and what would be right."""

from pathlib import Path

import pytest

from journeys import source
from journeys.problems import InvalidJourney

ROOT = Path(__file__).parent.parent.parent


def problems(text: str, templates: frozenset[str] | None = None) -> list[tuple[str, str, int | None]]:
    """Code, path and line of every problem."""
    with pytest.raises(InvalidJourney) as caught:
        source.read(text, templates)
    return [(one.code, one.where, one.line) for one in caught.value.problems]


def stage(steps: str) -> str:
    return f"journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - {steps}\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (stage("sned: x"), [("step_verb", "stages.a.steps[0]", 6)]),
        (stage("{send: x, wait: 1 day}"), [("step_verb", "stages.a.steps[0]", 6)]),
        (stage("wait: 3 moons"), [("duration", "stages.a.steps[0].wait", 6)]),
        (stage("wait: {until: '9'}"), [("time_of_day", "stages.a.steps[0].wait.until", 6)]),
        (stage("wait: {until: '09:00', on: [noday]}"), [("weekday", "stages.a.steps[0].wait.on", 6)]),
        (stage("wait_for: {event: X, uptoo: 3 days}"), [("extra_forbidden", "stages.a.steps[0].wait_for.uptoo", 6)]),
        (stage("wait_for: {event: X, else: [{send: y}]}"), [("wait_for", "stages.a.steps[0].wait_for", 6)]),
        (stage("branch: [{if: 'foo ==', then: []}]"), [("guard", "stages.a.steps[0].branch[0].if", 6)]),
        (stage("branch: [{else: []}, {if: customer.x, then: []}]"), [("branch_case", "stages.a.steps[0].branch", 6)]),
        (
            stage("split: {id: s, variants: {x: {weight: -1}}}"),
            [("greater_than_equal", "stages.a.steps[0].split.variants.x.weight", 6)],
        ),
        (stage("split: {id: s, variants: {x: {weight: 0}}}"), [("weights", "stages.a.steps[0].split.variants", 6)]),
        (stage("go: nowhere"), [("unknown_stage", "stages.a.steps[0].go", 6)]),
        (stage("go: a"), [("endless_loop", "stages.a", 4)]),
        ("journey: j\nstart: b\nstages: {a: {}}\n", [("unknown_stage", "start", 2)]),
        ("journey: j\nstart: a\nstages:\n  a: {}\n  b: {}\n", [("unreachable_stage", "stages.b", 5)]),
        (
            "journey: j\nstart: a\nstages:\n  a:\n    transitions: [{on: E, after: 1 day, to: a}]\n",
            [("transition_cause", "stages.a.transitions[0]", 5)],
        ),
        ("start: a\nstages: {a: {}}\n", [("missing", "journey", 1)]),
        ("journey: 7 dwarfs\nstart: a\nstages: {a: {}}\n", [("string_pattern_mismatch", "journey", 1)]),
        ("journey: j\nstart: a\ntimezone: Mars\nstages: {a: {}}\n", [("zone", "timezone", 3)]),
        ("journey: j\nstart: a\nstages: {a: {}, a: {}}\n", [("yaml", "(document)", 3)]),
        ("a: [1\nb: 2", [("yaml", "(document)", 2)]),
        ('{"journey": "j",}', [("json", "(document)", 1)]),
        ("[1, 2]", [("model_type", "(document)", 1)]),
    ],
)
def test_each_mistake_is_named_with_its_place(text: str, expected: list[tuple[str, str, int | None]]) -> None:
    found = [one for one in problems(text) if one[0] != "no_way_out"]
    assert found == expected


def test_a_misspelt_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(InvalidJourney, match="'send', the nearest verb"):
        source.read(stage("sned: x"))
    with pytest.raises(InvalidJourney, match="'welcome', the nearest name"):
        source.read(stage("send: welcom"), frozenset({"welcome", "goodbye"}))


def test_all_problems_come_at_once() -> None:
    text = "journey: j\nstart: a\nstages:\n  a:\n    steps: [{wait: soon}, {sned: x}, {wait: never}]\n"
    assert len(problems(text)) == 3


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


def test_a_guard_of_100_kb_is_refused() -> None:
    guard = "true || " * 12_500 + "true"
    assert problems(stage(f"branch: [{{if: '{guard}', then: []}}]"))[0][0] == "guard"


def test_yaml_reads_on_as_a_word_and_nine_o_clock_as_a_text() -> None:
    definition, _ = source.read(
        "journey: j\nenter: [{on: Signed Up}]\nstart: a\nstages: {a: {steps: [{wait: {until: 09:00}}]}}"
    )
    assert definition.enter[0].on == "Signed Up"


def test_the_digest_does_not_depend_on_how_it_was_written() -> None:
    yaml, _ = source.read("journey: j\nstart: a\nstages:\n  a:\n    steps:\n      - send: x\n")
    json_form, _ = source.read('{"journey": "j", "start": "a", "stages": {"a": {"steps": [{"send": "x"}]}}}')
    assert yaml.digest() == json_form.digest()


def test_the_example_of_the_documentation_is_valid() -> None:
    text = (ROOT / "examples" / "cdnow" / "lifecycle.yaml").read_text()
    definition, warnings = source.read(text)
    assert list(definition.stages) == ["first_time_buyer", "repeat_buyer", "core", "lapsed", "inactive"]
    assert warnings == ()
