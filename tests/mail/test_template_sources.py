"""Templates as people write them: MJML behind this and that, minified CSS, names that are spelled wrong."""

from typing import Any

import pytest

from mail.brand import NAMES, Brand
from mail.message import Sender
from mail.rendering import mjml
from mail.rendering.renderer import Renderer
from mail.rendering.templates import Rendered, Stored, TemplateProblem

RENDERER = Renderer()
CONTEXT: dict[str, Any] = {"customer": {"first_name": "Ann", "lines": ["Tea", "Jam"]}, "enrollment": {}}


def stored(html: str, **more: Any) -> Stored:
    texts: dict[str, Any] = {"key": "t", "version": 1, "subject": "S", "html": html, "text": "", **more}
    return Stored(**texts)


def rendered(html: str) -> Rendered:
    return RENDERER.render("t", CONTEXT, None, stored(html))


def document(inner: str = "<mj-text>Hi {{ customer.first_name | default('you') }}</mj-text>") -> str:
    return f"<mjml><mj-body><mj-section><mj-column>{inner}</mj-column></mj-section></mj-body></mjml>"


# -- MJML --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "before",
    [
        "<!-- spring newsletter -->\n", "\ufeff", '<?xml version="1.0"?>\n', "{# spring #}\n", "{% set a = 1 %}\n", " \n\t",
        '\ufeff<?xml version="1.0" encoding="utf-8"?>\n<!-- a <mjml> of spring -->{# b #}{% set a = 1 %}\n', "<!doctype mjml>\n",
        "{% if true %}",
    ],
)  # fmt: skip
def test_mjml_is_recognised_whatever_stands_before_it(before: str) -> None:
    """Case 23."""
    template = before + document() + ("{% endif %}" if "if" in before else "<!-- the end -->\n")
    assert RENDERER.check(stored(template)).warnings == []
    mail = rendered(template)
    assert "<mj" not in mail.html.replace("<!-- a <mjml> of spring -->", "")
    assert "Hi Ann" in mail.html
    assert mail.text.strip() == "Hi Ann"


def test_what_jinja_says_in_mjml_stays_as_it_is() -> None:
    html = rendered(
        "{% set sale = 3 %}<mjml>{% set more = 4 %}<mj-head><mj-style>@media print{#menu{color:red}}</mj-style></mj-head><mj-body>"
        "{% for one in customer.lines %}<mj-section><mj-column><mj-text>{{ one }} {{ '<b>' }}{% if 1 < sale %}!{% endif %}"
        "{# <mj-nothing> #}</mj-text></mj-column></mj-section>{% endfor %}"
        '<mj-section><mj-column><mj-button href="https://x.example/{{ more }}?a=1&amp;b=2">Go</mj-button></mj-column></mj-section>'
        "</mj-body></mjml>"
    ).html
    assert "Tea &lt;b&gt;!" in html
    assert "Jam &lt;b&gt;!" in html
    assert 'href="https://x.example/4?a=1&amp;b=2"' in html
    assert "{#menu{color:red}}" in html


def test_one_of_several_documents_can_be_chosen() -> None:
    chosen = (
        "{% if customer.gone %}"
        + document("<mj-text>A</mj-text>")
        + "{% else %}"
        + document("<mj-text>B</mj-text>")
        + "{% endif %}"
    )
    assert rendered(chosen).text.strip() == "B"


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("\n\n" + document("\n<mj-txt>a</mj-txt>"), "html: line 4: MJML: there is no <mj-txt>; the nearest is <mj-text>"),
        (document("{#\n\n#}\n<mj-buton>a</mj-buton>"), "line 4: MJML: there is no <mj-buton>; the nearest is <mj-button>"),
        ("<MJML></MJML>", "line 1: MJML: there is no <MJML>; the nearest is <mjml>"),
        (document('\n<mj-include path="a.mjml" />'), "line 2: MJML: there is no <mj-include>"),
        (document("\n<mj-text>a"), "line 2: MJML: <mj-text> is not closed"),
        ("<mjml>\n<mj-body>", "line 2: MJML: <mj-body> is not closed"),
        (document("</mj-button>"), "line 1: MJML: </mj-button> closes nothing"),
        (document("\n<mj-text>\n<mj-button>x</mj-button></mj-text>"), "line 3: MJML: <mj-button> stands in <mj-text>, which holds HTML alone"),
        (document("\n<mj-accordion-element></mj-accordion-element>"), "line 2: MJML: <mj-accordion-element> stands where MJML reads none"),
        ("<p>x</p>\n<mj-text>x</mj-text>", "line 2: MJML: <mj-text> stands outside of <mjml>"),
        ("<div>\n" + document() + "</div>", "line 1: MJML: beside <mjml> stands something else"),
        (document() + "\n<p>more</p>", "line 2: MJML: beside <mjml> stands something else"),
        ('{% extends "_layout.html" %}{% block body %}' + document() + "{% endblock %}", "MJML is a whole mail and extends none"),
        ("<mjml><mj-body>\n<mj-section {% if 1 %}padding='0'{% endif %}></mj-section></mj-body></mjml>", "line 2: MJML: {% if 1 %} stands among the attributes of <mj-section>"),
        ("<mjml>\n<mj-head>\n<div>x</div></mj-head><mj-body></mj-body></mjml>", "line 3: MJML: unexpected element"),
    ],
)  # fmt: skip
def test_mjml_that_nobody_could_read_is_refused_with_its_line(html: str, says: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        RENDERER.check(stored(html))
    assert says in str(refused.value)


def test_html_that_speaks_of_mjml_is_html() -> None:
    html = "<!-- made with <mjml> and <mj-text> --><p>I like &lt;mjml&gt;</p>{# <mj-text> #}"
    assert "<p>I like &lt;mjml&gt;</p>" in rendered(html).html


@pytest.mark.parametrize("tag", sorted(mjml.TAGS - {"mjml", "mj-body"}))
def test_every_tag_that_we_know_is_known_to_the_compiler(tag: str) -> None:
    """None is left as it stands where it belongs."""
    inside = {
        "mj-column": "<mj-column></mj-column>", "mj-group": "<mj-group></mj-group>",
        "mj-section": "", "mj-wrapper": "", "mj-hero": "",
    }  # fmt: skip
    head = {
        "mj-head": "", "mj-title": "<mj-title>x</mj-title>", "mj-preview": "<mj-preview>x</mj-preview>", "mj-style": "<mj-style>a{}</mj-style>",
        "mj-breakpoint": '<mj-breakpoint width="320px" />', "mj-font": '<mj-font name="A" href="https://x.example/a" />',
        "mj-attributes": "<mj-attributes></mj-attributes>", "mj-all": '<mj-attributes><mj-all padding="0" /></mj-attributes>',
        "mj-class": '<mj-attributes><mj-class name="a" padding="0" /></mj-attributes>',
    }  # fmt: skip
    parts = {
        "mj-accordion-element": "<mj-accordion><mj-accordion-element></mj-accordion-element></mj-accordion>",
        "mj-accordion-title": "<mj-accordion><mj-accordion-element><mj-accordion-title>x</mj-accordion-title></mj-accordion-element></mj-accordion>",
        "mj-accordion-text": "<mj-accordion><mj-accordion-element><mj-accordion-text>x</mj-accordion-text></mj-accordion-element></mj-accordion>",
        "mj-carousel": '<mj-carousel><mj-carousel-image src="https://x.example/a.png" /></mj-carousel>',
        "mj-carousel-image": '<mj-carousel><mj-carousel-image src="https://x.example/a.png" /></mj-carousel>',
        "mj-navbar-link": '<mj-navbar><mj-navbar-link href="https://x.example">x</mj-navbar-link></mj-navbar>',
        "mj-social-element": '<mj-social><mj-social-element name="facebook">x</mj-social-element></mj-social>',
    }  # fmt: skip
    if tag in head:
        text = f"<mjml><mj-head>{head[tag]}</mj-head><mj-body></mj-body></mjml>"
    elif tag in inside:
        text = f"<mjml><mj-body><{tag}>{inside[tag] if tag not in ('mj-column', 'mj-group') else ''}</{tag}></mj-body></mjml>"
    else:
        text = document(parts.get(tag, f"<{tag}></{tag}>"))
    assert "<mj-" not in mjml.to_html(text)


# -- CSS that looks like Jinja2 ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "css",
    [
        "@media(max-width:600px){#head{color:red}#foot{color:red}}", "a{b:c}@media print{#a{b:c}}@media screen{#b{c:d}}",
        "@media print{#a{width:100%}}", "@supports(display:grid){#a .b{c:d}}",
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    "where", ["<style>{}</style>", "<STYLE type='text/css'>{}</STYLE>", "<!--[if mso]><style>{}</style><![endif]-->"]
)
def test_minified_css_is_kept(css: str, where: str) -> None:
    template = where.replace("{}", css) + "{# a comment #}<p>x</p>"
    RENDERER.check(stored(template))
    mail = rendered(template)
    assert css in mail.html
    assert "a comment" not in mail.html
    assert mail.text.strip() == "x"


def test_a_comment_in_a_style_sheet_is_one() -> None:
    html = rendered("<style>{# dark #}@media print{#a{b:c}}{#-light-#}@media screen{#b{c:d}}</style><p>x</p>").html
    assert "@media print{#a{b:c}}@media screen{#b{c:d}}" in html


def test_a_comment_without_an_end_is_told_with_its_line() -> None:
    with pytest.raises(
        TemplateProblem, match=r"html: line 2: Missing end of comment tag; a `\{#` that is none is written"
    ):
        RENDERER.check(stored("<p>\n{#menu{color:red}</p>"))


# -- names -------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<p>\n{{ custmer.first_name }}</p>", "html: line 2: there is no variable 'custmer'; the nearest is 'customer'"),
        ("{{ user.name }}", "html: line 1: there is no variable 'user'"),
        ("\n\n{% for one in itms %}{{ one }}{% endfor %}", "line 3: there is no variable 'itms'"),
        ("{{ brand.colour }}", "line 1: there is no name in `brand` 'colour'; the nearest is 'color'"),
        ("\n{{ customer.first_name | uper }}", "line 2: there is no filter 'uper'; the nearest is 'upper'"),
        ("{% if customer.a is definde %}{% endif %}", "there is no test 'definde'; the nearest is 'defined'"),
        ('\n{% extends "_layot.html" %}', "line 2: there is no template '_layot.html'; the nearest is '_layout.html'"),
        ("{% for one in [1] %}{% endfor %}\n{{ one }}", "line 2: there is no variable 'one'"),
        ("{% if custmer %}x{% endif %}{{ custmer }}\n{{ usr }}", "line 2: there is no variable 'usr'"),
        ("{{ customer.first_name | default(usr) }}", "there is no variable 'usr'"),
        ("{{ a.b }}\n{{ c.d }}", "line 1: there is no variable 'a'; html: line 2: there is no variable 'c'"),
        (document("\n<mj-text>{{ custmer.a }}</mj-text>"), "line 2: there is no variable 'custmer'"),
        ("{% if %}", "html: line 1: Expected an expression"),
        ("<p>\n{% iff x %}", "html: line 2: Encountered unknown tag 'iff'"),
    ],
)  # fmt: skip
def test_a_name_that_nobody_knows_is_refused_with_its_line_and_the_nearest(html: str, says: str) -> None:
    with pytest.raises(TemplateProblem) as refused:
        RENDERER.check(stored(html))
    assert says in str(refused.value)


@pytest.mark.parametrize("part", ["subject", "preheader", "text"])
def test_every_part_is_read(part: str) -> None:
    with pytest.raises(TemplateProblem, match=f"{part}: line 1: there is no variable 'custmer'"):
        RENDERER.check(stored("x", **{part: "{{ custmer.first_name }}"}))


@pytest.mark.parametrize(
    "html",
    [
        "{{ custmer.first_name | default('x') }}", "{{ custmer.first_name | upper | d('x') }}", "{% if custmer is defined %}{{ custmer.a }}{% endif %}",
        "{% if custmer %}{{ custmer.a }}{% else %}{{ custmer }}{% endif %}", "{{ custmer.a if custmer else 'x' }}", "{{ custmer or 'x' }}",
        "{{ custmer and custmer.a }}", "{% include 'gone.html' ignore missing %}", "{% if custmer.a == 3 %}x{% endif %}",
    ],
)  # fmt: skip
def test_a_name_that_is_asked_about_first_is_a_warning(html: str) -> None:
    assert any("line 1: there is no" in one for one in RENDERER.check(stored(html)).warnings)


@pytest.mark.parametrize(
    "html",
    [
        "{{ customer.anything.at_all }}{{ enrollment.items }}", "{% for a, b in customer.c.items() %}{{ loop.index }}{{ a }}{{ b }}{% endfor %}",
        "{% set a = 1 %}{{ a }}", "{% macro m(x, y=1) %}{{ x }}{{ y }}{{ caller() }}{% endmacro %}{% call m(1) %}x{% endcall %}",
        "{% with a = 1 %}{{ a }}{% endwith %}", "{% set a %}x{% endset %}{{ a }}", "{{ range(3) | list }}{{ dict(a=1).a }}",
        '{% extends "_layout.html" %}{% block body %}{{ self.preheader() }}{{ super() }}{% endblock %}', "{{ brand.on_color }}{{ now | date }}",
        '{% with items = customer.items %}{% include "_products.html" %}{% endwith %}', "{% import '_products.html' as p %}{{ p }}",
    ],
)  # fmt: skip
def test_what_is_known_is_no_finding(html: str) -> None:
    assert RENDERER.check(stored(html)).warnings == []


def test_the_names_in_brand_are_those_that_a_template_gets() -> None:
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="a@shop.example"), address="1 Street")
    assert frozenset(brand.as_context()) == NAMES
