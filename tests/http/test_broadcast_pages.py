"""The pages of broadcasts: written, counted, confirmed, watched, stopped; by whom, and what hostile input does."""

import html
import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from store.tables.messages import OutboxMail
from tests.http.desks import token
from waypost.wiring import Parts

Browser = Callable[..., TestClient]

PART = {"HX-Request": "true"}
HOSTILE = "<script>alert(1)</script>\" onmouseover='x' \u202e🐝 " + "N" * 10_000


@pytest.fixture
def desk(browser: Browser) -> TestClient:
    return browser("marketer")


def held(page: str, **typed: Any) -> dict[str, Any]:
    """What a form of the page holds beside what is typed."""
    seen = re.search(r'name="seen" value="(\w*)"', page)
    return {"seen": seen[1] if seen else "", "form_token": token(page), **typed}


def saves(desk: TestClient, key: str = "spring", **typed: Any) -> Any:
    body = {"template": "mail_a", "topic": "news", "segment": "pros", **typed}
    return desk.post(f"/broadcasts/{key}/edit", data=held(desk.get(f"/broadcasts/{key}/edit").text, **body))


def confirms(desk: TestClient, verb: str, key: str = "spring") -> Any:
    url = f"/broadcasts/{key}/{verb}"
    return desk.post(url, data=held(desk.get(url).text))


def outbox(parts: Parts) -> list[str]:
    with parts.database.reading() as session:
        return sorted(session.exec(select(OutboxMail.to_address)).all())


@pytest.mark.usefixtures("people")
def test_a_broadcast_is_written_counted_confirmed_and_watched(
    desk: TestClient, client: TestClient, parts: Parts, work: Any, statements: Any
) -> None:
    client.put("/v1/customers/bob/consent/news", json={"granted": False})
    begun = desk.post("/broadcasts", data={"key": "spring", "form_token": token(desk.get("/broadcasts").text)})
    assert begun.headers["location"] == "/broadcasts/spring/edit"
    assert saves(desk, name="Spring", subject="Sun").headers["location"] == "/broadcasts/spring"
    page = desk.get("/broadcasts/spring").text
    assert ("Nothing has gone yet" in page, "hx-get" in page.partition('id="broadcast"')[2][:60]) == (True, False)
    place = desk.post("/broadcasts/spring/count", data=held(page)).headers["location"]
    waits = desk.get(place).text
    assert ("it waits for a worker" in waits, f'hx-get="{place}"' in waits) == (True, True)
    work()
    counted = desk.get(place, headers=PART).text
    assert re.sub(r"<[^>]+>|\s+", " ", counted).split()[:8] == [
        *["get", "it", "2", "do", "not:", "the", "customer", "unsubscribed"]
    ]
    url = re.findall(r'href="(/broadcasts/spring/send\?counted=[^"]+)"', counted)[0]
    with statements(parts.database, at_most=25):
        asked = desk.get(url).text
    for told in ("<b>2 customers get it</b>", "1 does not", "<b>at once</b>", "cannot be called back"):
        assert told in asked, told
    assert outbox(parts) == []
    assert desk.post("/broadcasts/spring/send", data=held(asked)).headers["location"] == "/broadcasts/spring"
    assert 'hx-trigger="load delay:2s"' in desk.get("/broadcasts/spring").text
    work()
    work()
    with statements(parts.database, at_most=25):
        over = desk.get("/broadcasts/spring").text
    for told in ("sent</span>", "What came of it", "the customer unsubscribed from this topic", "As the API sees it"):
        assert told in over, told
    assert 'hx-trigger="load delay:2s"' not in over
    assert outbox(parts) == ["ann@example.com", "cyd@example.com"]
    told = client.get("/v1/audit?kind=broadcast").json()["items"]
    assert [(one["by"], one["action"]) for one in told] == [
        ("Marketer", "sent"), ("Marketer", "previewed"), ("Marketer", "created")
    ]  # fmt: skip
    assert client.get("/v1/broadcasts/spring").json()["body"]["name"] == "Spring"


@pytest.mark.usefixtures("people")
def test_it_is_paused_resumed_and_stopped_each_asked_once_more(
    desk: TestClient, client: TestClient, parts: Parts, work: Any
) -> None:
    saves(desk)
    assert confirms(desk, "send").status_code == 303
    assert "0 have it, 0 wait for it" in desk.get("/broadcasts/spring/pause").text
    assert confirms(desk, "pause").status_code == 303
    again = confirms(desk, "pause")
    assert (again.status_code, "is paused already" in again.text) == (409, True)
    work()
    assert outbox(parts) == []
    assert "Resume</a>" in desk.get("/broadcasts/spring").text
    assert confirms(desk, "resume").status_code == 303
    assert "that is for good" in desk.get("/broadcasts/spring/cancel").text
    assert confirms(desk, "cancel").status_code == 303
    work()
    assert (outbox(parts), client.get("/v1/broadcasts/spring").json()["status"]) == ([], "cancelled")
    actions = [one["action"] for one in client.get("/v1/audit?kind=broadcast").json()["items"]]
    assert actions == ["cancelled", "resumed", "paused", "sent", "created"]


@pytest.mark.usefixtures("people")
def test_a_time_is_the_readers_or_each_customers_own(desk: TestClient, client: TestClient) -> None:
    desk.cookies.set("zone", "Europe/Berlin")
    saves(desk, at="2026-12-24T09:00", clock="mine", rate="100/hour", expires="1 day")
    body = client.get("/v1/broadcasts/spring").json()["body"]
    assert (body["at"], body["local"], body["rate"], body["expires"]) == (
        "2026-12-24T09:00:00+01:00", False, "100/hour", "1 day"
    )  # fmt: skip
    assert 'value="2026-12-24T09:00"' in desk.get("/broadcasts/spring/edit").text
    saves(desk, at="2026-12-24T09:00", clock="theirs", late="skip")
    body = client.get("/v1/broadcasts/spring").json()["body"]
    assert (body["at"], body["local"], body["late"]) == ("2026-12-24T09:00", True, "skip")
    asked = desk.get("/broadcasts/spring/send").text
    assert ("each customer's own clock; where that has passed, never" in asked.replace("&#39;", "'")) is True
    wrong = saves(desk, at="tomorrow")
    assert (wrong.status_code, "at: &#39;tomorrow&#39; is no time" in wrong.text) == (422, True)


@pytest.mark.usefixtures("people")
def test_a_condition_becomes_a_segment_on_record(desk: TestClient, client: TestClient) -> None:
    wrong = saves(desk, guard="customer.plan = <b>")
    assert (wrong.status_code, "<b>" in wrong.text.partition('role="alert"')[2].partition("</div>")[0]) == (422, False)
    assert client.get("/v1/broadcasts/spring").status_code == 404
    assert saves(desk, guard='customer.plan == "pro"').status_code == 303
    assert client.get("/v1/segments/spring").json()["guard"] == 'customer.plan == "pro"'
    assert client.get("/v1/broadcasts/spring").json()["body"]["segment"] == "spring"
    told = client.get("/v1/audit?target=spring").json()["items"]
    assert {(one["by"], one["action"], one["kind"]) for one in told} == {
        ("Marketer", "created", "segment"), ("Marketer", "created", "broadcast")
    }  # fmt: skip
    other = saves(desk, guard='customer.plan == "free"')
    assert (other.status_code, "already, with another condition" in other.text) == (422, True)


@pytest.mark.usefixtures("people")
def test_variants_are_written_in_the_form_and_a_winner_is_chosen(
    desk: TestClient, client: TestClient, work: Any
) -> None:
    variants = {"a": {"template": "mail_a"}, "b": {"template": "mail_b"}}
    body = {"segment": "pros", "topic": "news", "variants": variants, "test": {"sample": 100, "after": "1 hour"}}
    client.put("/v1/broadcasts/ab", json={**body, "priority": 4})
    page = desk.get("/broadcasts/ab/edit").text
    for there in ('value="a"', 'value="b"', 'name="sample" type="number" min="1" max="100" value="100"', "selected>4<"):
        assert there in page, there
    typed = {
        "variant_name": ["a", "b", ""], "variant_template": ["mail_a", "mail_b", ""], "variant_subject": ["", "", ""],
        "variant_weight": ["1", "1", ""], "sample": "100", "after": "1 hour", "priority": "4",
    }  # fmt: skip
    assert saves(desk, "ab", name="Two", template="", **typed).status_code == 303
    kept = client.get("/v1/broadcasts/ab").json()["body"]
    assert (kept["name"], kept["priority"], list(kept["variants"]), kept["test"]["sample"]) == (
        "Two",
        4,
        ["a", "b"],
        100,
    )
    confirms(desk, "send", "ab")
    work()
    page = desk.get("/broadcasts/ab").text
    assert ("deciding" in page, "/broadcasts/ab/winner?variant=b" in page) == (True, True)
    asked = desk.get("/broadcasts/ab/winner?variant=b").text
    assert "Choose b?" in asked
    assert desk.get("/broadcasts/ab/winner?variant=<b>").status_code == 404
    assert desk.post("/broadcasts/ab/winner", data=held(asked, variant="b")).status_code == 303
    assert client.get("/v1/broadcasts/ab").json()["winner"] == "b"


@pytest.mark.usefixtures("people")
@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ({"variant_name": ["a"], "variant_template": ["mail_a"]}, "name a template, or variants"),
        ({"template": "", "variant_name": [""], "variant_template": ["mail_a"]}, "each variant has a name"),
        ({"template": "", "variant_name": ["a", "a"], "variant_template": ["mail_a", "mail_b"]}, "a name of its own"),
        ({"template": "", "variant_name": ["a"], "variant_template": ["mail_a"], "sample": "20"}, "two variants at least"),
        ({"opens": "09:00"}, "send_window.to"),
        ({"days": "mon-fri"}, "from when to when"),
        ({"after": "2 hours"}, "to how many in 100"),
        ({"opens": "09:00", "closes": "18:00", "days": "someday"}, "days"),
        ({"priority": "9"}, "priority"),
    ],
)  # fmt: skip
def test_what_is_no_variant_no_hour_and_no_priority_is_told_beside_what_was_typed(
    desk: TestClient, client: TestClient, typed: dict[str, Any], told: str
) -> None:
    refused = saves(desk, **typed)
    alert = refused.text.partition('role="alert"')[2].partition("</div>")[0]
    assert (refused.status_code, told in alert) == (422, True), alert
    assert client.get("/v1/broadcasts/spring").status_code == 404


@pytest.mark.usefixtures("people")
def test_a_test_of_a_broadcast_has_the_broadcasts_own_subject(desk: TestClient, parts: Parts, work: Any) -> None:
    saves(desk, subject="Sun & {{ customer.first_name }}")
    (place,) = re.findall(r'href="(/templates/mail_a/test[^"]*)"', desk.get("/broadcasts/spring").text)
    page = desk.get(html.unescape(place)).text
    (subject,) = re.findall(r'name="subject" value="([^"]*)"', page)
    typed = {"to": "me@example.com", "subject": html.unescape(subject), "form_token": token(page)}
    assert "Sun &amp; Ann" in desk.post("/templates/mail_a/test/ask", data=typed).text
    assert desk.post("/templates/mail_a/test", data=typed).status_code == 303
    work()
    with parts.database.reading() as session:
        assert session.exec(select(OutboxMail.subject)).all() == ["[Test] Sun & Ann"]


@pytest.mark.usefixtures("people")
def test_hours_and_priority_are_written_and_a_test_is_a_click_away(desk: TestClient, client: TestClient) -> None:
    assert saves(desk, opens="09:00", closes="18:00", days="mon-fri", priority="5").status_code == 303
    body = client.get("/v1/broadcasts/spring").json()["body"]
    assert (body["send_window"], body["priority"]) == ({"days": "mon-fri", "from": "09:00", "to": "18:00"}, 5)
    page = desk.get("/broadcasts/spring/edit").text
    assert ('type="time" value="18:00"' in page, "selected>5<" in page) == (True, True)
    page = desk.get("/broadcasts/spring").text
    assert ('href="/templates/mail_a/test"' in page, "09:00 to 18:00, mon-fri, on the customer" in page) == (True, True)
    assert saves(desk, priority="5").status_code == 303
    assert client.get("/v1/broadcasts/spring").json()["body"]["send_window"] is None


@pytest.mark.usefixtures("people")
def test_of_two_authors_nobody_writes_over_or_sends_what_they_have_not_seen(
    desk: TestClient, browser: Browser, client: TestClient
) -> None:
    saves(desk, subject="First")
    other, page, asked = (
        browser("admin"),
        desk.get("/broadcasts/spring/edit").text,
        desk.get("/broadcasts/spring/send").text,
    )
    assert saves(other, subject="Theirs").status_code == 303
    mine = {"template": "mail_a", "topic": "news", "segment": "pros", "subject": "Mine"}
    both = desk.post("/broadcasts/spring/edit", data=held(page, **mine))
    assert both.status_code == 409
    for told in ("Admin has changed it while you wrote", "subject: theirs <b><bdi>Theirs", "yours <b><bdi>Mine"):
        assert told in both.text, told
    stale = desk.post("/broadcasts/spring/send", data=held(asked))
    assert (stale.status_code, "somebody has changed it since you looked" in stale.text) == (409, True)
    assert client.get("/v1/broadcasts/spring").json()["status"] == "draft"
    assert desk.post("/broadcasts/spring/edit", data=held(both.text, **mine)).status_code == 303
    assert client.get("/v1/broadcasts/spring").json()["body"]["subject"] == "Mine"


@pytest.mark.usefixtures("people")
def test_a_draft_that_was_removed_while_it_was_open_is_told(desk: TestClient, browser: Browser) -> None:
    saves(desk)
    page, other = desk.get("/broadcasts/spring/edit").text, browser("admin")
    assert confirms(other, "remove").headers["location"] == "/broadcasts"
    gone = desk.post("/broadcasts/spring/edit", data=held(page, template="mail_a", topic="news"))
    assert (gone.status_code, "Admin has removed it while you wrote" in gone.text) == (409, True)
    for verb in ("send", "pause", "count"):
        assert desk.post(f"/broadcasts/spring/{verb}", data=held(page)).status_code == 404, verb
    assert desk.get("/broadcasts/spring").status_code == 404


def test_support_watches_and_changes_nothing(browser: Browser, client: TestClient, desk: TestClient) -> None:
    client.put("/v1/broadcasts/few", json={"template": "mail_a"})
    support = browser("support")
    page = support.get("/broadcasts/few").text
    assert ("Nothing has gone yet" in page, "/broadcasts/few/send" in page) == (True, False)
    assert "New broadcast" not in support.get("/broadcasts").text
    for path in ("edit", "send", "pause", "resume", "cancel", "remove"):
        refused = support.get(f"/broadcasts/few/{path}")
        assert (refused.status_code, "needs the role marketer" in refused.text) == (403, True), path
        assert support.post(f"/broadcasts/few/{path}", data={"form_token": "0" * 32}).status_code == 403, path
    form = held(desk.get("/broadcasts/few/edit").text, template="mail_b")
    assert desk.post("/broadcasts/few/edit", data={**form, "form_token": "0" * 32}).status_code == 403
    assert desk.post("/broadcasts/few/edit", data=form, headers={"Origin": "https://evil.example"}).status_code == 403
    assert client.get("/v1/broadcasts/few").json()["body"]["template"] == "mail_a"


def test_hostile_names_are_letters_and_what_is_wrong_is_told_beside_the_form(
    desk: TestClient, client: TestClient, parts: Parts, statements: Any
) -> None:
    assert saves(desk, segment="", name=HOSTILE[:200], subject=HOSTILE[:60]).status_code == 303
    for number in range(5):
        client.put(f"/v1/broadcasts/more{number}", json={"template": "mail_a"})
    for url, most in (("/broadcasts", 8), ("/broadcasts/spring/edit", 12)):
        with statements(parts.database, at_most=most):
            desk.get(url)
    typed = held(desk.get("/broadcasts/spring/edit").text, template="mail_a")
    for key in ("%3Cb%3E", "k" * 64, "9"):
        assert desk.post(f"/broadcasts/{key}/edit", data=typed).status_code == 422, key
    for url in ("/broadcasts", "/broadcasts/spring", "/broadcasts/spring/edit", "/broadcasts/spring/send"):
        shown = desk.get(url).text
        assert ("<script>alert" in shown, "onmouseover='x'" in shown) == (False, False), url
    for typed, told in (
        ({"template": "nothing", "segment": ""}, "there is no template"),
        ({"segment": "none"}, "there is no segment"),
        ({"segment": "", "rate": "fast"}, "rate:"),
        ({"segment": "", "expires": "soon"}, "expires:"),
        ({"segment": "", "subject": "{{ custmer"}, "unexpected end"),
    ):
        wrong = saves(desk, **typed)
        assert (wrong.status_code, told in wrong.text) == (422, True), typed
    nobody = confirms(desk, "send")
    assert (nobody.status_code, "name a segment, or import recipients first" in nobody.text) == (409, True)
    assert saves(desk, name="N" * 10_000).status_code == 422
    assert (
        desk.post("/broadcasts", data={"key": HOSTILE, "form_token": token(desk.get("/broadcasts").text)}).status_code
        == 422
    )
