"""Templates and the data that people really have: missing, null, empty and blank values, and keys named like methods."""

from typing import Any

import pytest

from mail.rendering.renderer import Renderer
from mail.rendering.templates import Stored, TemplateProblem

RENDERER = Renderer()

CONTEXT: dict[str, Any] = {
    "customer": {
        "first_name": "",
        "blank": " \t\n",
        "plan": "Pro Max",
        "address": {"city": None},
        "street": "Main Street",
        "nothing": None,
        "zero": 0,
        "no": False,
        "colors": [None, "red", None],
        "tags": ["a", "b"],
        "none_of_it": [],
        "lines": [{"name": "Pen", "price": 2}, {"name": None, "price": None}],
        "events": {"Order Completed": {"count": 2}},
    },
    "enrollment": {"coupon": None, "items": [{"name": "Pen"}], "values": 3, "get": "got", "keys": ["k"]},
    "unsubscribe_url": None,
}


def said(text: str, context: Any = CONTEXT) -> str:
    """The text, in subject and body of a mail: the two must agree."""
    mail = RENDERER.render(
        "t", context, None, Stored(key="t", version=1, subject=text, html=f"<p>{text}</p>", text=text)
    )
    assert f"<p>{mail.subject}</p>" in mail.html
    assert mail.text.strip() == mail.subject
    return mail.subject


# -- missing, null, empty, blank ---------------------------------------------------------------------------------------


def test_null_empty_and_missing_take_the_default_in_subject_and_body() -> None:
    """Case 20."""
    data = {"customer": {"first_name": "", "address": {"city": None}}, "enrollment": {"coupon": None}}
    stored = Stored(
        key="t",
        version=1,
        subject="Hi {{ customer.first_name | default('friend') }}",
        html="<p>Code {{ enrollment.coupon | default('none') }}, {{ customer.address.city | default('your town') }}</p>",
        text="",
    )
    for customer in (data["customer"], {"address": None}, {"address": "Main Street"}, {"address": []}, {}):
        mail = RENDERER.render("t", {**data, "customer": customer}, None, stored)
        assert mail.subject == "Hi friend"
        assert "<p>Code none, your town</p>" in mail.html
        assert mail.text == "Code none, your town"


@pytest.mark.parametrize(
    "wanted",
    [
        "customer.first_name", "customer.blank", "customer.nothing", "customer.gone", "customer.none_of_it",
        "customer.gone.city.name", "customer.nothing.city", "customer.street.city", "customer['gone']['city']",
        "customer.address.city", "customer.tags[7]", "customer.tags.name", "customer.zero.name", "customer.colors[0]",
        "customer.get('gone')", "customer.get('nothing')", "customer.gone.upper()", "customer.nothing.strip().title()",
        "customer.gone | upper", "customer.nothing | currency('EUR')", "customer.nothing | date",
        "customer.gone | first", "customer.nothing | trim | title", "customer.gone | map(attribute='x') | join(', ')",
        "(customer.lines | last).name", "customer.lines | map(attribute='name') | list | last", "none", "unknown_name",
    ],
)  # fmt: skip
def test_whatever_is_not_there_takes_the_default(wanted: str) -> None:
    assert said("{{ (" + wanted + ") | default('friend') }}") == "friend"
    assert said("{{ (" + wanted + ") | d('friend') }}") == "friend"
    assert said("{{ (" + wanted + ") or 'friend' }}") == "friend"
    assert said("{% if " + wanted + " %}yes{% else %}no{% endif %}") == "no"


@pytest.mark.parametrize(("wanted", "value"), [("customer.zero", "0"), ("customer.no", "False"), ("'x'", "x")])
def test_zero_and_false_are_values(wanted: str, value: str) -> None:
    assert said("{{ " + wanted + " | default('friend') }}") == value


@pytest.mark.parametrize(
    ("printed", "why"),
    [
        ("{{ customer.nothing }}", "'nothing' is null"),
        ("{{ customer.gone }}", "no attribute 'gone'"),
        ("{{ customer.address.city }}", "'city' is null"),
        ("<a href='https://x.example/?c={{ enrollment.coupon }}'>x</a>", "'coupon' is null"),
        ("{{ 'Hi ' ~ customer.nothing }}", "'nothing' is null"),
        ("{{ 'Hi ' + customer.nothing }}", "'nothing' is null"),
        ("{{ 'Hi %s' | format(customer.nothing) }}", "'nothing' is null"),
        ("{{ 'Hi {}'.format(customer.nothing) }}", "'nothing' is null"),
        ("{{ customer.nothing | upper }}", "'nothing' is null"),
        ("{{ customer.nothing | urlencode }}", "'nothing' is null"),
        ("{{ {'c': customer.nothing} | urlencode }}", "'nothing' is null"),
        ("{{ customer.nothing | currency }}", "'nothing' is null"),
        ("{% for one in customer.nothing %}{{ one }}{% endfor %}", "'nothing' is null"),
        ("{% for one in customer.colors %}{{ one }}{% endfor %}", "'colors' is null"),
        ("{% for one in customer.lines %}{{ one.name }}{% endfor %}", "'name' is null"),
        ("{% for key, value in customer.address.items() %}{{ value }}{% endfor %}", "'city' is null"),
        ("{{ customer.lines | sum(attribute='price') }}", "'price' is null"),
        ("{{ customer.nothing + 1 }}", "'nothing' is null"),
        ("{% if customer.nothing > 3 %}x{% endif %}", "'nothing' is null"),
        ("{{ customer.get('nothing') }}", "'nothing' is null|gave nothing"),
        ("{{ customer.get('gone') }}", "gave nothing"),
        ("{{ none }}", "value is null"),
        ("{% macro m(x) %}{{ x }}{% endmacro %}{{ m(customer.nothing) }}", "'nothing' is null"),
        ("{% set x = customer.nothing %}{{ x }}", "'nothing' is null"),
        ("{{ customer.colors }}", "'colors' is null"),
        ("{{ {'a': [none]} }}", "this value is null"),
        ("{{ unsubscribe_url }}", "'unsubscribe_url' is null"),
    ],
)
def test_unguarded_it_makes_no_mail_and_the_reader_never_reads_none(printed: str, why: str) -> None:
    with pytest.raises(TemplateProblem, match=why):
        said(printed)


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("{{ customer.colors | join(', ') }}", "red"),
        ("{{ customer.lines | map(attribute='name') | join(', ') }}", "Pen"),
        ("{{ customer.lines | join(', ', attribute='name') }}", "Pen"),
        ("{{ customer.colors | select | list | length }}", "1"),
        ("{{ customer.lines | selectattr('price', 'gt', 1) | map(attribute='name') | join }}", "Pen"),
        ("{% for one in customer.colors %}[{{ one | default('-') }}]{% endfor %}", "[-][red][-]"),
        ("{% for one in customer.nothing | default([]) %}x{% else %}nothing{% endfor %}", "nothing"),
        ("{{ customer.nothing is defined }} {{ customer.gone is defined }} {{ customer.zero is defined }}", "False False True"),
        ("{{ customer.nothing is none }} {{ customer.gone is none }} {{ customer.nothing == none }}", "True True True"),
        ("{{ customer.nothing == '' }} {{ customer.gone != 'pro' }} {{ customer.gone == 'pro' }}", "True True False"),
        ("{{ 'vip' in customer.nothing }} {{ customer.nothing in ['a'] }} {{ customer.gone is string }}", "False False False"),
        ("{{ customer.nothing is iterable }} {{ customer.gone is even }}", "False False"),
        ("{{ customer.colors | unique | list | length }}", "2"),
        ("{{ ', ' ~ customer.gone if customer.gone }}!", "!"),
        ("{{ customer.get('nothing', 'friend') }} {{ customer.get('gone', 'friend') }}", "friend friend"),
        ("{{ 'upper' | default('x') | upper }}", "UPPER"),
        ("{{ loop is defined }}{% for x in [1] %}{{ loop.index }}{{ loop.last }}{% endfor %}", "False1True"),
        ("{% set n = namespace(a=1) %}{% set n.a = 2 %}{{ n.a }}", "2"),
        ("{{ dict(a=1).a }}{{ (1, 2)[0] }}", "11"),
        ("{% for g in customer.lines | groupby('price', default=0) %}{{ g.grouper }}{{ g.list | length }};{% endfor %}", "01;21;"),
    ],
)  # fmt: skip
def test_what_is_asked_about_is_answered(text: str, reads: str) -> None:
    assert said(text) == reads


def test_null_is_null_in_json() -> None:
    """The body of a webhook is made so."""
    assert (
        RENDERER.fill("{{ customer.nothing | tojson }} {{ customer.address | tojson }}", CONTEXT)
        == 'null {"city": null}'
    )
    with pytest.raises(TemplateProblem, match="no attribute 'gone'"):
        RENDERER.fill("{{ customer.gone | tojson }}", CONTEXT)


# -- keys that are named like methods ----------------------------------------------------------------------------------


def test_a_dot_on_data_means_the_key() -> None:
    """Case 21."""
    stored = Stored(
        key="t",
        version=1,
        subject="Your cart",
        html="<ul>{% for i in enrollment.items %}<li>{{ i.name }}</li>{% endfor %}</ul><p>{{ enrollment.values }}</p>",
        text="",
    )
    mail = RENDERER.render("t", {"enrollment": {"items": [{"name": "Pen"}], "values": 3}}, None, stored)
    assert "<ul><li>Pen</li></ul><p>3</p>" in mail.html


METHODS = {
    type(kind).__name__: [name for name in dir(kind) if not name.startswith("_")] for kind in ({}, [], "", 1, 1.5, True)
}


@pytest.mark.parametrize("name", METHODS["dict"])
def test_every_name_of_a_method_is_a_key_like_others(name: str) -> None:
    data = {"customer": {"is": {name: "the value"}, "isnt": {}}}
    assert said("{{ customer.is." + name + " }} {{ customer['is']['" + name + "'] }}", data) == "the value the value"
    assert said("{{ [customer.is] | map(attribute='" + name + "') | join }}", data) == "the value"
    assert said("{{ customer.is | attr('" + name + "') }}", data) == "the value"
    assert said("{{ customer.isnt." + name + " | default('-') }}", data) == "-"
    with pytest.raises(TemplateProblem, match=f"no attribute '{name}'"):
        said("{{ customer.isnt." + name + " }}", data)


@pytest.mark.parametrize("kind", ["list", "str", "int", "float", "bool"])
def test_what_is_no_object_has_no_keys(kind: str) -> None:
    value = {"list": ["a"], "str": "a", "int": 1, "float": 1.5, "bool": True}[kind]
    for name in METHODS[kind]:
        assert said("{{ customer.x." + name + " | default('-') }}", {"customer": {"x": value}}) == "-"


@pytest.mark.parametrize(
    ("text", "reads"),
    [
        ("{% for name, one in customer.events.items() %}{{ name }} {{ one.count }}{% endfor %}", "Order Completed 2"),
        ("{% for one in customer.lines[:1] %}{% for key, value in one | dictsort %}{{ key }}={{ value }};{% endfor %}{% endfor %}", "name=Pen;price=2;"),
        ("{{ customer.plan.upper() }} {{ customer.plan.split(' ')[0] }} {{ customer.tags.count('a') }}", "PRO MAX Pro 1"),
        ("{{ enrollment.get }} {{ enrollment.get('values') }} {{ enrollment.keys[0] }}", "got 3 k"),
    ],
)  # fmt: skip
def test_what_is_called_is_a_method(text: str, reads: str) -> None:
    assert said(text) == reads


@pytest.mark.parametrize(
    "text", ["{{ range }}", "{{ customer.plan | attr('upper') }}", "{% macro m() %}{% endmacro %}{{ m }}"]
)
def test_nothing_of_pythons_own_is_printed(text: str) -> None:
    with pytest.raises(TemplateProblem, match="function|no attribute"):
        said(text)


@pytest.mark.parametrize(
    "text",
    [
        "{{ customer.plan.__class__ }}", "{{ customer['__class__'] }}", "{{ customer.plan['__class__'] }}",
        "{{ customer.tags.__class__.__mro__ }}", "{{ ''.format.__globals__ }}", "{{ '{0.__class__}'.format(customer.plan) }}",
        "{{ customer.plan | attr('__class__') }}", "{{ customer.update({'a': 1}) }}", "{{ customer.tags.append('c') }}",
        "{{ customer.pop('plan') }}", "{{ customer.gone.__class__ }}", "{{ customer.lines | map(attribute='__class__') | list }}",
    ],
)  # fmt: skip
def test_the_sandbox_holds(text: str) -> None:
    with pytest.raises(TemplateProblem):
        said(text)


# -- dates and numbers as people send them -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [
        "2026-03-02", " 2026-03-02 ", "2026-03-02T00:00:00Z", "2026-03-02T00:00:00.000Z", "2026-03-02T09:30:00-05:00",
        "2026-03-02T09:30:00-0500", "2026-03-02 14:30:00", 1772461800, "1772461800", 1772461800000, "1772461800000",
    ],
)  # fmt: skip
def test_a_date_is_read_as_everywhere(value: Any) -> None:
    data = {"customer": {"day": value}, "timezone": "America/New_York"}
    assert said("{{ customer.day | date }}", data) == "March 2, 2026"


@pytest.mark.parametrize("value", [1234.5, "1234.5", " 1234.50 ", "1.2345e3"])
def test_an_amount_is_read_as_everywhere(value: Any) -> None:
    assert said("{{ customer.sum | currency('EUR') }}", {"customer": {"sum": value}}) == "€1,234.50"


@pytest.mark.parametrize(
    ("value", "filter"),
    [("02/03/2026", "date"), ("soon", "datetime"), ("1.234,50", "currency"), ("abc", "number"), ("NaN", "number")],
)
def test_what_cannot_be_read_makes_no_mail(value: str, filter: str) -> None:
    with pytest.raises(TemplateProblem, match="this is no (date|number)"):
        said("{{ customer.x | " + filter + " }}", {"customer": {"x": value}})
