"""The pages of templates: listed with who sends them, seen as a customer would, written by two who lose nothing."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from store.tables.access import Operation
from tests.http.desks import token
from waypost.wiring import Parts

Browser = Callable[..., TestClient]

HTML = "{% extends '_layout.html' %}{% block body %}<h1>Hi {{ customer.first_name }}</h1>{% endblock %}"
PART = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\" onmouseover='x' \u202e🐝 " + "N" * 10_000


def stored(client: TestClient, key: str = "hello", **more: Any) -> Any:
    body = {"subject": "Hi {{ customer.first_name }}", "html": HTML, **more}
    made = client.put(f"/v1/templates/{key}", json=body)
    assert made.status_code == 200, made.text
    return made.json()


def held(page: str) -> dict[str, str]:
    """What the question on a page holds."""
    seen = re.search(r'name="seen" value="(\w*)"', page)
    assert seen is not None
    return {"seen": seen[1], "form_token": token(page)}


def form(page: str, **more: Any) -> dict[str, Any]:
    """What the form of the editor holds, and what is typed into it: of the texts in the first language."""
    seen = re.search(r'name="seen" value="(\w*)"', page)
    assert seen is not None
    held: dict[str, list[str]] = {"tag": re.findall(r'name="tag" value="([^"]*)"', page)}
    for name in ("subject", "preheader"):
        held[name] = [
            html.unescape(one) for one in re.findall(rf'name="{name}" maxlength="1000" value="([^"]*)"', page)
        ]
    for name in ("html", "text"):
        areas = re.findall(rf'<textarea id="{name}-\d+"[^>]*>\n(.*?)</textarea>', page, re.DOTALL)
        held[name] = [html.unescape(one) for one in areas]
    for name, value in more.items():
        if name in held:
            held[name] = [value, *held[name][1:]]
    rest = {name: value for name, value in more.items() if name not in held}
    return {**held, **rest, "seen": seen[1], "form_token": token(page)}


@pytest.fixture
def desk(browser: Browser) -> TestClient:
    return browser("marketer")


def saves(desk: TestClient, key: str = "hello", **typed: Any) -> Any:
    return desk.post(f"/templates/{key}/edit", data=form(desk.get(f"/templates/{key}/edit").text, **typed))


# -- looked at ---------------------------------------------------------------------------------------------------------


def test_the_list_tells_who_sends_each_and_how_large_it_is(
    desk: TestClient, client: TestClient, welcome: Any, parts: Parts, statements: Any
) -> None:
    stored(client, locales={"de": {"subject": "Hallo", "html": HTML}})
    client.put("/v1/broadcasts/spring", json={"template": "hello"})
    desk.get("/templates")
    with statements(parts.database, at_most=12):
        page = desk.get("/templates").text
    mine = page.partition('href="/templates/hello"')[2].partition("</tr>")[0]
    assert re.sub(r"<[^>]+>|\s+", " ", mine).split()[1:6] == ["version", "1", "spring", "de", "0.1"]
    sent = page.partition('href="/templates/mail_a"')[2].partition("</tr>")[0]
    assert ('<a href="/journeys/welcome">welcome</a>' in sent, "file" in sent) == (True, True)
    rest = page.partition('href="/templates/mail_b"')[2].partition("</tr>")[0]
    assert "nobody" in rest
    assert "/v1/templates" in page
    more = desk.get("/templates?limit=1&cursor=hello").text
    assert re.findall(r'<td><a href="/templates/([^"]+)"', more) == [min(parts.templates() - {
        one for one in parts.templates() if one <= "hello"
    })]  # fmt: skip


def test_a_template_is_seen_for_a_customer_in_each_language_and_on_each_screen(
    desk: TestClient, client: TestClient, parts: Parts, statements: Any
) -> None:
    stored(client, locales={"de": {"subject": "Hallo {{ customer.first_name }}", "html": HTML}})
    client.put("/v1/customers/zoe", json={"attributes": {"first_name": "Zoë <b>"}})
    with statements(parts.database, at_most=30):
        page = desk.get("/templates/hello").text
    for told in ("<b>Hi Ann</b>", "KB of the 102 KB that Gmail shows", "Nobody yet", "As the API sees it"):
        assert told in page, told
    assert ("sandbox src=" in page, "<html" in desk.get("/templates/hello", headers=PART).text) == (True, False)
    part = desk.get("/templates/hello?customer=zoe&locale=de&look=dark+phone", headers=PART).text
    assert "<b>Hallo Zoë &lt;b&gt;</b>" in part
    assert 'class="screen narrow dark"' in part
    assert 'src="/templates/hello/body?customer=zoe&amp;locale=de&amp;look=dark+phone"' in part
    text = desk.get("/templates/hello?customer=zoe&look=text", headers=PART).text
    assert ("Hi Zoë &lt;b&gt;" in text, "<iframe" in text) == (True, False)


def test_the_frame_of_a_mail_runs_and_loads_nothing_and_is_dark_where_it_is_asked(
    desk: TestClient, client: TestClient
) -> None:
    stored(
        client, html=HTML.replace("<h1>", "<script>alert(1)</script><img alt='' src='https://evil.example/a.png'><h1>")
    )
    body = desk.get("/templates/hello/body")
    assert body.headers["content-security-policy"].startswith("sandbox; default-src 'none'")
    assert 'data-src="https://evil.example/a.png"' in body.text
    light, dark = (desk.get(f"/templates/hello/body?look={look}").text for look in ("desktop", "dark"))
    assert ("@media (max-width: 0px)" in light, "@media (min-width: 0px)" in dark) == (True, True)
    assert "prefers-color-scheme" not in light + dark


@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ("customer=nobody", "there is no customer &#39;nobody&#39;"),
        ("version=9", "has no version 9"),
        ("locale=<b>", "locale: String should match pattern"),
        ("customer=bare", "first_name"),
    ],
)
def test_what_gives_no_mail_is_told_in_its_place(desk: TestClient, client: TestClient, asked: str, told: str) -> None:
    stored(client)
    client.put("/v1/customers/bare", json={"attributes": {}})
    page = desk.get(f"/templates/hello?{asked}")
    assert (page.status_code, told in page.text, "<iframe" in page.text) == (200, True, False)
    framed = desk.get(f"/templates/hello/body?{asked}")
    assert (framed.status_code, "sandbox" in framed.headers["content-security-policy"]) == (200, True)


def test_a_mail_larger_than_gmail_shows_is_told(desk: TestClient, client: TestClient) -> None:
    stored(client, html=HTML.replace("<h1>", "<p>" + "words " * 20_000 + "</p><h1>"))
    page = desk.get("/templates/hello").text
    assert ("clipped</span>" in page, "Gmail clips what is larger than" in page) == (True, True)


def test_two_versions_stand_side_by_side_with_what_differs(
    desk: TestClient, client: TestClient, parts: Parts, statements: Any
) -> None:
    stored(client)
    assert saves(desk, html=HTML.replace("Hi", "Good morning")).status_code == 303
    page = desk.get("/templates/hello").text
    assert "by Marketer" in page
    with statements(parts.database, at_most=12):
        both = desk.get("/templates/hello/compare?before=1&after=2").text
    for told in ("body?version=1", "body?version=2", "Good morning", 'class="added"', "by Marketer"):
        assert told in both, told
    assert "Both are written alike" in desk.get("/templates/hello/compare?before=2&after=2").text
    assert desk.get("/templates/hello/compare?before=1&after=9").status_code == 404
    assert desk.get("/templates/nothing").status_code == 404
    assert desk.get("/templates/nothing/body").status_code == 404


# -- written -----------------------------------------------------------------------------------------------------------


def test_a_new_template_is_written_judged_and_saved_on_record(desk: TestClient, client: TestClient) -> None:
    begun = desk.post("/templates", data={"key": "spring", "form_token": token(desk.get("/templates").text)})
    assert begun.headers["location"] == "/templates/spring/edit"
    page = desk.get("/templates/spring/edit").text
    assert ("Not there yet" in page, "{% block body %}" in page) == (True, True)
    wrong = desk.post(
        "/templates/spring/edit/check", data=form(page, subject="S", html="<p>\n{% for x in %}"), headers=PART
    )
    assert ("html: line 2: Expected an expression" in wrong.text, "It cannot be saved" in wrong.text) == (True, True)
    refused = desk.post("/templates/spring/edit", data=form(page, subject="<i>{{ a", html="x"))
    assert (refused.status_code, "&lt;i&gt;{{ a" in refused.text, "<i>{{" in refused.text) == (422, True, False)
    assert client.get("/v1/templates/spring").status_code == 404
    saved = desk.post("/templates/spring/edit", data=form(page, subject="Spring, {{ customer.first_name }}"))
    assert saved.headers["location"] == "/templates/spring"
    assert client.get("/v1/templates/spring").json()["version"] == 1
    told = client.get("/v1/audit?target=spring").json()["items"]
    assert [(one["by"], one["action"], one["kind"]) for one in told] == [("Marketer", "created", "template")]


def test_a_file_becomes_ones_own_and_its_text_part_is_made_anew(
    desk: TestClient, client: TestClient, parts: Parts, statements: Any
) -> None:
    with statements(parts.database, at_most=30):
        page = desk.get("/templates/mail_a/edit").text
    assert "The file is sent" in page
    assert saves(desk, "mail_a", html="<p>Another {{ customer.first_name }}</p>").status_code == 303
    kept = client.get("/v1/templates/mail_a").json()
    assert (kept["kept"], kept["version"], kept["text"].strip()) == ("here", 1, "Another {{ customer.first_name }}")
    assert form(desk.get("/templates/mail_a/edit").text)["text"] == [""]
    assert saves(desk, "mail_a", text="My own").status_code == 303
    assert form(desk.get("/templates/mail_a/edit").text)["text"] == ["My own"]


def test_what_is_written_is_shown_before_it_is_saved(desk: TestClient, client: TestClient) -> None:
    stored(client)
    page = desk.get("/templates/hello/edit").text
    typed = form(page, html="<h1>New {{ customer.first_name }}</h1>")
    shown = desk.post("/templates/hello/edit/preview", data=typed)
    assert ("New Ann</h1>" in shown.text, "sandbox" in shown.headers["content-security-policy"]) == (True, True)
    text = desk.post("/templates/hello/edit/preview", data={**typed, "look": "text"})
    assert "New Ann" in text.text.partition("<pre")[2]
    wrong = desk.post("/templates/hello/edit/preview", data=form(page, html="{{ <i>"))
    assert (wrong.status_code, "<i>" in wrong.text, "html: line 1" in wrong.text) == (200, False, True)
    assert client.get("/v1/templates/hello").json()["version"] == 1


def test_a_language_is_added_and_one_that_is_emptied_is_left_out(desk: TestClient, client: TestClient) -> None:
    stored(client)
    page = desk.get("/templates/hello/edit").text
    added = desk.post("/templates/hello/edit/language", data=form(page, more="de_AT")).text
    assert form(added)["tag"] == ["", "de-AT"]
    again = desk.post("/templates/hello/edit/language", data=form(added, more="de-at"))
    assert (again.status_code, "it is in de-AT already" in again.text) == (422, True)
    assert "is no language" in desk.post("/templates/hello/edit/language", data=form(added, more="<b>")).text
    assert desk.post("/templates/hello/edit", data=form(added)).status_code == 303
    assert list(client.get("/v1/templates/hello").json()["locales"]) == ["de-AT"]
    both = form(desk.get("/templates/hello/edit").text)
    for name in ("subject", "html"):
        both[name] = [both[name][0], ""]
    assert desk.post("/templates/hello/edit", data=both).status_code == 303
    assert client.get("/v1/templates/hello").json()["locales"] == {}


def test_of_two_authors_nobody_writes_over_what_they_have_not_seen(
    desk: TestClient, browser: Browser, client: TestClient
) -> None:
    stored(client)
    other, page = browser("admin"), desk.get("/templates/hello/edit").text
    assert saves(other, subject="Theirs").status_code == 303
    told = desk.post("/templates/hello/edit/check", data=form(page, subject="Mine"), headers=PART).text
    assert "Admin has saved while you write" in told
    both = desk.post("/templates/hello/edit", data=form(page, subject="Mine"))
    assert both.status_code == 409
    for one in ("Admin has saved version 2 while you wrote", "-Theirs", "+Mine"):
        assert one in both.text, one
    assert client.get("/v1/templates/hello").json()["subject"] == "Theirs"
    assert desk.post("/templates/hello/edit", data=form(both.text)).status_code == 303
    assert client.get("/v1/templates/hello").json()["subject"] == "Mine"


def test_a_template_that_was_removed_while_it_was_open_is_not_lost(
    desk: TestClient, browser: Browser, client: TestClient
) -> None:
    stored(client)
    page, other = desk.get("/templates/hello/edit").text, browser("admin")
    asked = other.get("/templates/hello/remove").text
    assert "1 version goes" in asked
    removed = other.post("/templates/hello/remove", data=held(asked))
    assert removed.headers["location"] == "/templates"
    assert other.post("/templates/hello/remove", data=held(asked)).status_code == 404
    gone = desk.post("/templates/hello/edit", data=form(page, subject="Mine"))
    assert (gone.status_code, "was removed while you wrote" in gone.text) == (409, True)
    assert desk.post("/templates/hello/edit", data=form(gone.text)).status_code == 303
    assert client.get("/v1/templates/hello").json()["subject"] == "Mine"


def test_what_was_saved_since_somebody_was_asked_is_not_removed_unseen(desk: TestClient, client: TestClient) -> None:
    stored(client)
    asked = desk.get("/templates/hello/remove").text
    stored(client, subject="Another")
    refused = desk.post("/templates/hello/remove", data=held(asked))
    assert (refused.status_code, "has saved a version since you looked" in refused.text) == (409, True)
    assert desk.post("/templates/hello/remove", data=held(refused.text)).headers["location"] == "/templates"


def test_a_template_in_many_languages_is_saved_though_a_form_is_longer(desk: TestClient, client: TestClient) -> None:
    stored(client)
    typed = form(desk.get("/templates/hello/edit").text, html="<p>" + "ä" * 400_000 + "</p>")
    assert desk.post("/templates/hello/edit", data=typed).status_code == 303


def test_what_a_journey_sends_is_not_removed_and_says_why(desk: TestClient, client: TestClient) -> None:
    stored(client)
    text = "journey: tea\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{send: hello}], final: true}}"
    client.put("/v1/journeys/tea", content=text)
    client.post("/v1/journeys/tea/publish")
    asked = desk.get("/templates/hello/remove").text
    assert "It is sent by tea" in asked
    refused = desk.post("/templates/hello/remove", data=held(asked))
    assert (refused.status_code, "send the template" in refused.text) == (409, True)


# -- tried on an address -----------------------------------------------------------------------------------------------


def test_a_test_mail_is_asked_once_more_and_then_goes_on_record(
    desk: TestClient, client: TestClient, parts: Parts
) -> None:
    stored(client)
    page = desk.get("/templates/hello/test").text
    assert 'value="marketer@shop.example"' in page
    typed = {"to": "me@example.com", "customer": "", "form_token": token(page)}
    asked = desk.post("/templates/hello/test/ask", data=typed)
    assert "One mail goes to <b><bdi>me@example.com</bdi></b> at once" in asked.text
    assert "Hi Ann" in asked.text
    with parts.database.reading() as session:
        assert session.exec(select(Operation)).all() == []
    sent = desk.post("/templates/hello/test", data=typed)
    assert desk.get(sent.headers["location"]).status_code == 200
    told = client.get("/v1/audit?target=hello").json()["items"][0]
    assert (told["by"], told["action"], "me@example.com" in str(told)) == ("Marketer", "tested", False)
    for url in ("/templates/hello/test/ask", "/templates/hello/test"):
        wrong = desk.post(url, data={**typed, "to": HOSTILE[:300]})
        assert (wrong.status_code, "no email address" in wrong.text, "<script>alert" in wrong.text) == (
            422,
            True,
            False,
        )


# -- who may, and what hostile input does ------------------------------------------------------------------------------


def test_support_looks_and_does_not_write(browser: Browser, client: TestClient) -> None:
    stored(client)
    desk = browser("support")
    page = desk.get("/templates/hello").text
    assert ("Send a test" in page, "/edit" in page) == (False, False)
    assert "New template" not in desk.get("/templates").text
    for path in ("edit", "test", "remove"):
        refused = desk.get(f"/templates/hello/{path}")
        assert (refused.status_code, "needs the role marketer" in refused.text) == (403, True), path
    for path in ("edit", "edit/check", "edit/preview", "edit/language", "test", "test/ask", "remove"):
        assert desk.post(f"/templates/hello/{path}", data={"form_token": "0" * 32}).status_code == 403, path


def test_a_form_that_is_not_ours_or_not_whole_changes_nothing(desk: TestClient, client: TestClient) -> None:
    stored(client)
    typed = form(desk.get("/templates/hello/edit").text, subject="Mine")
    assert desk.post("/templates/hello/edit", data={**typed, "form_token": "0" * 32}).status_code == 403
    assert desk.post("/templates/hello/edit", data=typed, headers={"Origin": "https://evil.example"}).status_code == 403
    assert desk.get("/templates", headers={"Host": "evil.example"}).status_code == 421
    assert desk.post("/templates/hello/edit", data={**typed, "tag": ["", "de"]}).status_code == 422
    assert desk.post("/templates/hello/edit", data={**typed, "html": "x" * 26_000_000}).status_code == 413
    keys = {"key": HOSTILE, "form_token": token(desk.get("/templates").text)}
    wrong = desk.post("/templates", data=keys)
    assert (wrong.status_code, "is no key" in wrong.text, "<script>alert" in wrong.text) == (422, True, False)
    assert client.get("/v1/templates/hello").json()["version"] == 1
    for url in ("/templates/%3Cb%3E/edit", f"/templates/{'k' * 64}/edit", "/templates/9/edit/check"):
        refused = desk.post(url, data=typed)
        assert (refused.status_code, "string should match" in refused.text.lower()) == (422, True), url
        assert desk.get(url).status_code in (405, 422), url


def test_hostile_texts_and_names_are_letters_and_nothing_else(desk: TestClient, client: TestClient) -> None:
    stored(client, subject=HOSTILE[:900], preheader="<i>x</i>")
    client.put("/v1/customers/eve", json={"attributes": {"first_name": HOSTILE}})
    for url in (
        "/templates",
        "/templates/hello",
        "/templates/hello?customer=eve",
        "/templates/hello/edit",
        "/templates/hello/test?customer=eve",
    ):
        shown = desk.get(url).text
        for tag in ("<script>alert", "<i>x", "onmouseover='x'"):
            assert tag not in shown, (url, tag)
    saves(desk, html=f"<p>{HOSTILE}</p>")
    assert "<script>alert" not in desk.get("/templates/hello/compare?before=1&after=2").text
