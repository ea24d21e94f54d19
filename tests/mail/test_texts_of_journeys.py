"""Texts of a journey that are templates themselves are read when it is saved: nobody waits for a mail that would fail."""

import pytest

from journeys.checks import source
from journeys.checks.lint import ValidationContext
from journeys.language.problems import DefinitionProblem, InvalidJourney
from mail.rendering import texts

JOURNEY = """
journey: j
enter: [{on: E}]
defaults: {topic: news}
start: a
stages:
  a:
    final: true
    steps:
"""
AROUND = ValidationContext(judge_text=texts.read, attributes=frozenset({"first_name", "plan"}))


def found(*steps: str, around: ValidationContext = AROUND) -> list[str]:
    """Every problem with its line: the first step stands in line 10."""
    text = JOURNEY + "".join(f"      - {step}\n" for step in steps)
    problems: tuple[DefinitionProblem, ...]
    try:
        problems = source.read(text, around)[1]
    except InvalidJourney as invalid:
        problems = invalid.problems
    return [f"{one.severity} {one.code}: line {one.line}: {one.message}" for one in problems]


def test_each_unknown_name_is_told_with_its_line_and_the_nearest() -> None:
    assert found(
        'send: {template: w, subject: "Hi {{ custmer.first_name }}"}',
        'webhook: {url: "https://crm.example.com", headers: {X: "{{ enrolment.key }}"}, body: {a: ["{{ now }}"]}}',
        'notify: {email: a@shop.example, subject: "{{ brnd.name }}", text: "{{ customer.plan | uper }}"}',
    ) == [
        "error unknown_name: line 10: there is no variable 'custmer'; the nearest is 'customer'",
        "error unknown_name: line 11: there is no variable 'enrolment'; the nearest is 'enrollment'",
        "error unknown_name: line 11: there is no variable 'now'",
        "error unknown_name: line 12: there is no variable 'brnd'; the nearest is 'brand'",
        "error unknown_name: line 12: there is no filter 'uper'; the nearest is 'upper'",
    ]


def test_a_text_of_several_lines_says_in_which() -> None:
    text = 'notify: {email: a@shop.example, text: "Hello\\n\\n{{ custmer.id }}\\n{% if %}"}'
    assert found(text) == [
        "error text: line 10: in line 4 of the text, Expected an expression, got 'end of statement block'"
    ]
    assert found(text.replace("{% if %}", "")) == [
        "error unknown_name: line 10: in line 3 of the text, there is no variable 'custmer'; the nearest is 'customer'"
    ]


def test_what_a_text_asks_about_first_may_be_there_one_day() -> None:
    assert found('send: {template: w, subject: "{{ coupon | default(customer.first_name) }}"}') == [
        "warning unknown_name: line 10: there is no variable 'coupon'; it is taken for missing"
    ]


def test_an_attribute_that_nobody_has_is_told_where_the_text_cannot_do_without_it() -> None:
    assert found(
        'send: {template: w, subject: "{{ customer.frist_name | title }}"}',
        "send: {template: w, subject: \"{{ customer.nick | default('friend') }}{% if customer.vip %}!{% endif %}\"}",
        "set: {score: 3}",
        'send: {template: w, subject: "{{ customer.score }} {{ customer.email }}"}',
    ) == [
        "warning unknown_attribute: line 10: no customer has the attribute 'frist_name', so nothing is sent without a "
        "default"
    ]


def test_what_goes_out_as_it_stands_is_no_template() -> None:
    assert found(
        "webhook: 'https://crm.example.com/{{customer.id}}'",
        "notify: {url: 'https://chat.example.com/{{customer.id}}', text: x}",
        "enroll: {journey: other, data: {who: ['{{ customer.id }}']}}",
    ) == [
        "error unfilled_text: line 12: the data of `enroll` are no template: the enrollment would get this text with its "
        "braces",
        "error unfilled_text: line 10: an address is no template: it would be called with its braces",
        "error unfilled_text: line 11: an address is no template: it would be called with its braces",
    ]


@pytest.mark.parametrize(
    "text", ["{{ " + "(" * 3_000 + ")" * 3_000 + " }}", "{{ 'x' * 10**9 }}", "{% if x %}", "{{ 1 }"]
)
def test_a_text_is_read_and_never_run(text: str) -> None:
    read = texts.read(text, "hook")
    assert (read.problem is None) == (text == "{{ 'x' * 10**9 }}")


def test_where_nobody_reads_templates_texts_are_taken_as_they_are() -> None:
    assert found('send: {template: w, subject: "{{ custmer.first_name }}"}', around=ValidationContext()) == []
