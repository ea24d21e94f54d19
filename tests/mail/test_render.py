"""Rendering: a subject, HTML with its CSS inlined, a text part; and nothing that a template must not do."""

from pathlib import Path
from typing import Any

import pytest

from mail.brand import Brand
from mail.message import Sender
from mail.rendering.renderer import Renderer
from mail.rendering.templates import TemplateProblem, keys
from mail.signed_links import BadLink, Links, Unsubscribe

BRAND = Brand(name="Shop", sender=Sender(name="Shop", email="hello@shop.example"), address="1 Street")

CONTEXT: dict[str, Any] = {
    "customer": {
        "first_name": "Ann & <Co>",
        "trial_ends_at": "2026-03-16",
        "digest": [],
        "events": {"Order Completed": {"count": 1, "last_at": "2026-02-01T00:00:00Z"}},
    },
    "enrollment": {},
    "brand": BRAND.as_context(),
    "unsubscribe_url": "http://x/u/token",
    "preferences_url": "http://x/preferences/token",
    "confirm_url": "http://x/confirm/token",
    "topic": "News",
    "timezone": "UTC",
    "now": "2026-03-02T12:00:00+00:00",
    "message_id": "m",
}


@pytest.mark.parametrize("key", sorted(keys([])))
def test_every_built_in_template_gives_a_whole_mail(key: str) -> None:
    rendered = Renderer().render(key, CONTEXT)
    assert rendered.subject
    assert "\n" not in rendered.subject
    assert "http://x/u/token" in rendered.html
    assert "http://x/u/token" in rendered.text
    assert "1 Street" in rendered.html
    assert 'style="' in rendered.html, "the CSS is inlined"
    assert "&amp;" not in rendered.text, "the text part is not HTML"
    assert len(rendered.html) < 102_000, "Gmail clips larger mails"


def test_names_are_escaped_in_html_and_plain_in_subject_and_text() -> None:
    rendered = Renderer().render("thank_you", CONTEXT)
    assert rendered.subject == "Thank you for your order, Ann & <Co>"
    assert "Ann &amp; &lt;Co&gt;" in rendered.html
    assert "Ann & <Co>" in rendered.text


def test_a_subject_of_the_step_takes_the_place_of_the_templates() -> None:
    assert Renderer().render("thank_you", CONTEXT, "For {{ customer.first_name }}").subject == "For Ann & <Co>"


def test_an_own_template_comes_before_the_built_in_one(tmp_path: Path) -> None:
    (tmp_path / "thank_you.html").write_text("{% block subject %}Mine{% endblock %}<p>x</p>")
    rendered = Renderer([tmp_path]).render("thank_you", CONTEXT)
    assert rendered.subject == "Mine"


def test_a_text_part_is_made_where_none_is_written(tmp_path: Path) -> None:
    (tmp_path / "plain.html").write_text("{% block subject %}S{% endblock %}<p>Hello <a href='http://x'>there</a></p>")
    assert "Hello there (http://x)" in Renderer([tmp_path]).render("plain", CONTEXT).text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("{{ customer.age }}", "has no attribute 'age'"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{{ ''.__class__.__mro__ }}", "unsafe"),
        ("{% for i in range(10000000) %}x{% endfor %}", "Range too big"),
        ("{% if %}", "line 1 of bad.html: Expected an expression"),
        ("{% include 'gone.html' %}", "no template 'gone.html'"),
        ("{{ customer.update({'x': 1}) }}", "'update' of 'dict' object is unsafe"),
    ],
)
def test_a_template_that_cannot_be_rendered_says_why(tmp_path: Path, body: str, reason: str) -> None:
    (tmp_path / "bad.html").write_text("{% block subject %}S{% endblock %}" + body)
    with pytest.raises(TemplateProblem, match=reason):
        Renderer([tmp_path]).render("bad", CONTEXT)


def test_a_template_without_a_subject_is_refused(tmp_path: Path) -> None:
    (tmp_path / "bad.html").write_text("<p>x</p>")
    with pytest.raises(TemplateProblem, match="no block 'subject'"):
        Renderer([tmp_path]).render("bad", CONTEXT)


def test_a_link_is_read_back_and_a_damaged_one_is_not() -> None:
    links, what = Links("secret", "http://x/"), Unsubscribe(customer="cus_1", topic="news", send_id="m1")
    url = links.unsubscribe_url(what)
    token = url.removeprefix("http://x/u/")
    assert links.read_unsubscribe(token) == what
    for bad in (token[:-1], token + "x", "x", "", Links("other", "http://x").unsubscribe_url(what)[11:]):
        with pytest.raises(BadLink):
            links.read_unsubscribe(bad)
