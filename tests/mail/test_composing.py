"""A whole mail: links signed and followed, headers set, what the law asks for at its foot. Faults 23 and 31."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest

from mail import linting
from mail.brand import Brand
from mail.composing import Composer
from mail.message import Mail, Sender
from mail.mime import as_bytes
from mail.rendering.renderer import Renderer
from mail.signed_links import BadLink, Confirmation, ExpiredLink, Links, Preferences, Unsubscribe
from mail.tracking import with_utm
from services.definitions.templates import TemplateSource
from services.messages.sending.mail_request import MailRequest, Personalization

NOW = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
SEND_ID = "2161b3b7-f9d3-5b07-9196-af81ec9afb65"
LINKS = Links("secret", "https://mail.shop.example")
BRAND = Brand(
    name="Shop",
    sender=Sender(name="Shop", email="hello@shop.example"),
    address="1 Main St & Co",
    reply_to="a@shop.example",
)
PAGE = """<html><body><p>Hi {{ customer.first_name }}</p>
<a href="https://shop.example/spring?a=1&amp;b=2#top">one</a> <a href='https://shop.example/two'>two</a>
<a class="x" href="https://shop.example/two">two again</a> <a href="mailto:a@b.co">write</a>
<a href="https://shop.example/reset" data-track="no">reset</a></body></html>"""


def request(html: str = PAGE, context: Any = None, **more: Any) -> MailRequest:
    ann = {"customer": {"first_name": "Ann"}, "enrollment": {}}
    values: dict[str, Any] = {
        "send_id": SEND_ID, "to": "ann@example.com", "customer": "cus_1", "topic": "news", "topic_name": "News",
        "template": "t", "campaign": "welcome", "lane": "journey",
        "personal": Personalization(context=context or ann),
        "source": TemplateSource(key="t", version=1, subject="Hello", html=html, text=""),
    }  # fmt: skip
    return MailRequest(**values | more)


@pytest.fixture
def compose() -> Any:
    return composing(Renderer())


def composing(renderer: Renderer, links: Links = LINKS) -> Callable[[MailRequest], Mail]:
    """Composes what is asked for, at noon."""
    composer = Composer(renderer, links, BRAND)
    return lambda asked: composer.compose(asked, NOW)


def hrefs(html: str) -> list[str]:
    return re.findall(r'<a [^>]*href="([^"]*)"', html)


# -- headers -----------------------------------------------------------------------------------------------------------


def test_the_headers_are_those_that_mailbox_providers_ask_for(compose: Any) -> None:
    mail = compose(request())
    (unsubscribe,) = re.findall(r"^<(https://mail\.shop\.example/u/[\w.-]+)>$", mail.headers["List-Unsubscribe"])
    assert mail.headers == {
        "Message-ID": f"<{SEND_ID}@shop.example>",
        "Feedback-ID": "welcome:t:journey:shop-example",
        "List-Id": "<news.shop.example>",
        "List-Unsubscribe": f"<{unsubscribe}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }
    mime = message_from_bytes(as_bytes(mail), policy=policy.default)
    assert [part.get_content_type() for part in mime.iter_parts()] == ["text/plain", "text/html"]
    assert (mime["Reply-To"], mime["Date"].datetime) == ("a@shop.example", NOW)


def test_transactional_mail_belongs_to_no_list_and_is_not_followed(compose: Any) -> None:
    mail = compose(request(transactional=True))
    assert set(mail.headers) == {"Message-ID", "Feedback-ID"}
    assert "Unsubscribe" not in mail.html


def test_a_mail_that_forgot_the_address_and_the_way_out_gets_them_at_its_foot(compose: Any) -> None:
    mail = compose(request())
    url = mail.headers["List-Unsubscribe"].strip("<>")
    assert f'<a href="{url}">Unsubscribe</a>' in mail.html
    assert "1 Main St &amp; Co" in mail.html
    assert mail.html.rstrip().endswith("</p></body></html>"), "within the body"
    assert mail.text.endswith(f"--\n1 Main St & Co\nUnsubscribe: {url}\n")
    whole = compose(request('{% extends "_layout.html" %}{% block body %}x{% endblock %}'))
    assert whole.html.count("1 Main St") == whole.html.count(">Unsubscribe<") == 1, "the layout has them already"
    assert whole.text.count("1 Main St") == 1


@pytest.mark.parametrize("name", ["Ann\r\nBcc: eve@example.com", "Ann; Bo, Cy", "\u202eAnn", "👋"])
def test_no_name_breaks_a_header(compose: Any, name: str) -> None:
    """Fault 23."""
    stored = TemplateSource(key="t", version=1, subject="Hello {{ customer.first_name }}", html="<p>x</p>", text="x")
    mail = compose(request(source=stored, context={"customer": {"first_name": name}, "enrollment": {}}))
    mime = message_from_bytes(as_bytes(mail), policy=policy.default)
    assert mime["Bcc"] is None
    assert mime["Subject"] == "Hello " + " ".join(name.split())
    assert "\n" not in mail.subject


# -- links -------------------------------------------------------------------------------------------------------------


def test_links_are_led_by_way_of_us_and_each_number_leads_where_it_did(compose: Any) -> None:
    mail = compose(request(clicks=True, opens=True))
    assert mail.urls == ("https://shop.example/spring?a=1&b=2#top", "https://shop.example/two")
    one, two, again, write, reset, leave = hrefs(mail.html)
    assert [LINKS.read_click(url.rpartition("/")[2]) for url in (one, two, again)] == [
        (SEND_ID, 0),
        (SEND_ID, 1),
        (SEND_ID, 1),
    ]
    assert (write, reset) == ("mailto:a@b.co", "https://shop.example/reset")
    assert leave.startswith("https://mail.shop.example/u/"), "ours are never followed"
    (pixel,) = re.findall(r'<img src="https://mail\.shop\.example/o/([^"]+)"', mail.html)
    assert LINKS.read_open(pixel) == SEND_ID
    assert "shop.example/c/" not in mail.text, "the plain text shows where a link leads"


@pytest.mark.parametrize(
    "tag",
    [
        '<a title="a > b" href="{}">x</a>', '<a data-x="<a href=\'https://no.example\'>" href="{}">x</a>', "<a title='>' href='{}'>x</a>",
        '<map name="m"><area shape="rect" coords="0,0,9,9" alt=">" href="{}"></map>', "<A HREF={}>x</A>", '<a\n  class="b"\n  href="{}"\n>x</a>',
        '<!--[if mso]><v:roundrect fillcolor="#fff" href="{}" arcsize="9%"><center>x</center></v:roundrect><![endif]-->',
        '<!--[if mso]><a href="{}">x</a><![endif]-->', '<a data-href="https://no.example" href="{}">x</a>', '<a href=" {} ">x</a>',
        '<a title="data-track=&quot;no&quot;" href="{}">x</a>',
    ],
)  # fmt: skip
def test_a_link_is_followed_however_it_is_written(compose: Any, tag: str) -> None:
    mail = compose(request(html="<p>" + tag.replace("{}", "https://shop.example/?a=1&amp;b=2") + "</p>", clicks=True))
    assert mail.urls == ("https://shop.example/?a=1&b=2",)
    assert mail.html.count(LINKS.click_url(SEND_ID, 0)) == 1
    assert "shop.example/?a=1" not in mail.html


@pytest.mark.parametrize(
    "html",
    [
        "<!-- <a href='https://shop.example/'>x</a> -->", "<style>/* <a href=\"https://shop.example/\"> */</style><p>x</p>",
        "<a href='https://shop.example/' data-track='no'>x</a>", "<p title='<a href=https://shop.example/>'>x</p>",
        "<a href='#top'>x</a><a href='mailto:a@shop.example'>x</a><a>x</a><a href>x</a><abbr href='https://shop.example/'>x</abbr>",
    ],
)  # fmt: skip
def test_what_is_no_link_of_the_mail_stays(compose: Any, html: str) -> None:
    plain, followed = compose(request(html=html)), compose(request(html=html, clicks=True))
    assert followed.urls == ()
    assert followed.html == plain.html


def test_utm_parameters_are_added_once_and_in_both_parts(compose: Any) -> None:
    utm = {"utm_source": "waypost", "utm_campaign": "wel come"}
    mail = compose(request(utm=utm))
    assert hrefs(mail.html)[0] == (
        "https://shop.example/spring?a=1&amp;b=2&amp;utm_source=waypost&amp;utm_campaign=wel+come#top"
    )
    assert "https://shop.example/two?utm_source=waypost&utm_campaign=wel+come" in mail.text
    assert (
        with_utm("https://x.example/?utm_source=mine", utm)
        == "https://x.example/?utm_source=mine&utm_campaign=wel+come"
    )
    assert hrefs(mail.html)[4] == "https://shop.example/reset", "what is not followed is not marked"


def test_a_shop_on_the_same_site_is_followed_too() -> None:
    mail = composing(Renderer(), Links("secret", "https://shop.example"))(request(clicks=True))
    assert mail.urls == ("https://shop.example/spring?a=1&b=2#top", "https://shop.example/two")


def purposes(links: Links) -> dict[str, tuple[str, Any]]:
    """A token for each purpose, and what reads it."""
    later = NOW + timedelta(days=1)
    made = {
        "u": (links.unsubscribe_url(Unsubscribe(customer="c", topic="t", send_id=SEND_ID)), links.read_unsubscribe),
        "preferences": (
            links.preferences_url(Preferences(customer="c", send_id=SEND_ID, expires=later)),
            lambda token: links.read_preferences(token, NOW),
        ),
        "confirm": (
            links.confirm_url(Confirmation(customer="c", topic="t", send_id=SEND_ID, expires=later)),
            lambda token: links.read_confirm(token, NOW),
        ),
        "c": (links.click_url(SEND_ID, 3), links.read_click),
        "o": (links.open_url(SEND_ID), links.read_open),
    }
    return {name: (url.rpartition("/")[2], read) for name, (url, read) in made.items()}


@pytest.mark.parametrize("purpose", ["u", "preferences", "confirm", "c", "o"])
def test_a_forged_cut_or_swapped_token_is_refused(purpose: str) -> None:
    """Fault 31."""
    token, read = purposes(LINKS)[purpose]
    read(token)
    others = [other for name, (other, _) in purposes(LINKS).items() if name != purpose]
    bare = token.removesuffix(".gif")
    bent = bare[:4] + ("A" if bare[4] != "A" else "B") + bare[5:]
    forged = purposes(Links("guessed", "https://mail.shop.example"))[purpose][0]
    for bad in ("", "x", "..", "\0", "é", bare[:-1], bare[1:], bare + "x", bent, forged, *others):
        with pytest.raises(BadLink):
            read(bad)


def test_links_that_ask_expire_and_those_that_let_leave_do_not() -> None:
    made = purposes(LINKS)
    later = NOW + timedelta(days=2)
    for name, read in (("preferences", LINKS.read_preferences), ("confirm", LINKS.read_confirm)):
        with pytest.raises(ExpiredLink):
            read(made[name][0], later)
    assert LINKS.read_unsubscribe(made["u"][0]).customer == "c"


def test_a_changed_secret_still_opens_what_the_former_ones_signed() -> None:
    rotated = Links("new", "https://mail.shop.example", previous=["secret", "older"])
    for name, (token, _) in purposes(LINKS).items():
        read = purposes(rotated)[name][1]
        read(token)
        fresh, _ = purposes(rotated)[name]
        with pytest.raises(BadLink):
            purposes(LINKS)[name][1](fresh)
    with pytest.raises(BadLink):
        purposes(Links("new", "https://mail.shop.example"))["u"][1](purposes(LINKS)["u"][0])


# -- lint --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("html", "says"),
    [
        ("<img src='x'>", "an <img> has no alt text"),
        ("<p>" + "x" * 103_000, "Gmail clips"),
        ("<p>x</p>", "there is no link to unsubscribe"),
        ("<p>x</p>", "the postal address is missing"),
        ("<a href=''>x</a><a href='#'>y</a>", "2 link(s) lead nowhere"),
        ("<a href='/shop'>x</a>", "a mail knows no relative addresses"),
        ("<a href='javascript:go()'>x</a>", "do not open javascript:"),
        ("<a href='https://'>x</a>", "the name of the site is missing"),
        ("<a href='https://shop.example/a b'>x</a>", "contains a space"),
        ("<a href='https://shop.example/{{ x }}'>x</a>", "something of the template was left in it"),
        ("<a href='http://[::1'>x</a>", "it is no web address"),
        ("<img title='alt=' src='x'>", "an <img> has no alt text"),
        ("<area alt='' href='/shop'>", "a mail knows no relative addresses"),
        ("<a title='a > b' href=''>x</a>", "1 link(s) lead nowhere"),
    ],
)
def test_what_is_wrong_with_a_mail_is_said_in_a_sentence(html: str, says: str) -> None:
    found = linting.warnings("Hello", html, "https://x/u/t", "1 Street")
    assert any(says in one for one in found), found


def test_a_good_mail_has_no_findings() -> None:
    html = (
        "<img alt='' src='https://x/y'><a href='https://x/u/t'>Leave</a> <a href='tel:+49'>call</a> 1 Street &amp; Co"
    )
    assert linting.warnings("Hello", html, "https://x/u/t", "1 Street & Co") == []
    assert "the subject has 151 characters" in linting.warnings("x" * 151, html, None, "")[0]


# -- addresses ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("address", "header"),
    [
        ("ann@bücher.example", "ann@xn--bcher-kva.example"),
        ("jörg@bücher.example", "jörg@xn--bcher-kva.example"),
        ("ann+tag@例え.jp", "ann+tag@xn--r8jz45g.jp"),
        ("👋@example.com", "👋@example.com"),
    ],
)
def test_addresses_of_the_world_are_written_as_mail_servers_want_them(compose: Any, address: str, header: str) -> None:
    """Fault 22."""
    mail = compose(request(to=address))
    mime = message_from_bytes(as_bytes(mail), policy=policy.default)
    assert mime["To"] == header


def test_a_site_that_cannot_be_looked_up_makes_no_mail(compose: Any) -> None:
    with pytest.raises(ValueError, match="names no site"):
        as_bytes(replace(compose(request()), to="ann@\u202eexample.com"))


# -- languages, MJML, filters ------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "order.html").write_text(
        '{% extends "_layout.html" %}{% block subject %}Your order{% endblock %}{% block preheader %}Soon there{% endblock %}'
        '{% block body %}<p>{{ customer.total | currency("EUR") }} by {{ customer.day | date }}</p>'
        "<table>{% for item in customer.lines %}<tr><td>{{ item.name }}</td><td>{{ item.count | number }}</td></tr>"
        "{% endfor %}</table>{% endblock %}"
    )
    (tmp_path / "order.de.html").write_text(
        '{% extends "_layout.html" %}{% block subject %}Ihre Bestellung{% endblock %}'
        '{% block body %}<p>{{ customer.total | currency("EUR") }} am {{ customer.day | date("full") }}</p>'
        "<p>{{ customer.at | time }} {{ customer.at | datetime }} {{ 0.25 | percent }}</p>{% endblock %}"
    )
    return tmp_path


ORDER = {
    "customer": {"total": 1234.5, "day": "2026-03-09", "at": "2026-03-02T22:30:00Z", "lines": [{"name": "Tea", "count": 12000}]},
    "enrollment": {},
}  # fmt: skip


def test_a_customer_reads_their_language_and_others_the_usual_one(folder: Path) -> None:
    compose = composing(Renderer([folder]))
    order = request(source=None, template="order", context=ORDER)
    austrian = compose(
        replace(order, personal=Personalization(context=ORDER, locales=("de-AT", "de", "en"), timezone="Europe/Vienna"))
    )
    assert (austrian.subject, austrian.locale) == ("Ihre Bestellung", "de-AT")
    assert "€ 1.234,50 am Montag, 9. März 2026" in austrian.html.replace("&nbsp;", " ")
    assert "23:30 02.03.2026, 23:30:00 25 %" in austrian.html.replace("&nbsp;", " ")
    assert '<html lang="de-AT"' in austrian.html
    assert "Abbestellen" in austrian.html
    british = compose(replace(order, personal=Personalization(context=ORDER, locales=("en-GB", "en"))))
    assert (british.subject, british.locale) == ("Your order", "en-GB")
    assert "€1,234.50 by 9 March 2026" in british.html
    french = compose(replace(order, personal=Personalization(context=ORDER, locales=("fr", "en"))))
    assert (french.subject, french.locale) == ("Your order", "en"), "dates are written in the language of the text"


def test_the_text_part_is_a_template_made_of_the_html_with_its_loops(folder: Path) -> None:
    mail = composing(Renderer([folder]))(request(source=None, template="order", context=ORDER))
    assert "€1,234.50 by March 9, 2026\n" in mail.text
    assert "Tea 12,000" in mail.text
    assert "Soon there" not in mail.text, "an inbox shows the preheader; the text has no use for it"


def test_a_stored_preheader_stands_first_in_the_body(compose: Any) -> None:
    plain = TemplateSource(
        key="t", version=1, subject="S", html="<html><body><p>x</p></body></html>", text="x", preheader="Soon & <now>"
    )
    assert re.search(
        r'<body><div class="preheader"[^>]*>Soon &amp; &lt;now&gt;</div><p>', compose(request(source=plain)).html
    )
    within = replace(plain, html='{% extends "_layout.html" %}{% block body %}x{% endblock %}')
    assert compose(request(source=within)).html.count("Soon &amp; &lt;now&gt;") == 1


def test_mjml_is_compiled_and_keeps_its_loops(compose: Any) -> None:
    mjml = """<mjml><mj-body><mj-section><mj-column>
      <mj-raw>{% for one in customer.lines %}</mj-raw><mj-text>{{ one }}</mj-text><mj-raw>{% endfor %}</mj-raw>
      <mj-button href="https://shop.example/{{ customer.lines[0] }}">Go</mj-button>
    </mj-column></mj-section></mj-body></mjml>"""
    stored = TemplateSource(key="t", version=1, subject="S", html=mjml, text="")
    mail = compose(request(source=stored, context={"customer": {"lines": ["Tea", "Jam"]}, "enrollment": {}}))
    assert "<mj-" not in mail.html
    assert mail.html.count("Tea") == 2
    assert "Jam" in mail.html
    assert "Tea\n\nJam" in re.sub(r"\n{2,}", "\n\n", mail.text)
    assert "Go (https://shop.example/Tea)" in mail.text
