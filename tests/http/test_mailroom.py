"""Templates, topics, consent, suppressions, settings, and journeys that pause, over the API."""

import asyncio
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from api.edge import limits
from mail.rendering import render_pool
from store.tables.enrollments import Enrollment
from store.tables.messages import Message, OutboxMail
from tests.shells import Shell
from waypost.wiring import Parts

HTML = "{% extends '_layout.html' %}{% block body %}<h1>Hi {{ customer.first_name }}</h1><img src='x'>{% endblock %}"

PATIENT = 600.0
"""Seconds for a request where a render is to reach its own bound first: starved, it may take ten times as long."""


def store(client: TestClient, **more: Any) -> Any:
    return client.put("/v1/templates/hello", json={"subject": "Hi {{ customer.first_name }}", "html": HTML, **more})


# -- templates ---------------------------------------------------------------------------------------------------------


def test_a_template_is_stored_in_versions_and_warned_about(client: TestClient) -> None:
    first, same, second = store(client), store(client), store(client, text="Hi {{ customer.first_name }}")
    assert (first.json()["version"], first.json()["created"], same.json()["created"]) == (1, True, False)
    assert first.json()["warnings"] == ["an <img> has no alt text"]
    assert second.json()["version"] == 2
    versions = client.get("/v1/templates/hello/versions").json()["items"]
    assert [one["number"] for one in versions] == [2, 1]
    listed = {one["key"]: one["kept"] for one in client.get("/v1/templates").json()["items"]}
    assert (listed["hello"], listed["mail_a"], listed["thank_you"]) == ("here", "file", "file")


@pytest.mark.parametrize(
    ("body", "says"),
    [
        ({"subject": "{{ user.name }}", "html": "x"}, "subject: line 1: there is no variable 'user'"),
        ({"subject": "S", "html": "<p>\n{% for x in %}"}, "html: line 2: Expected an expression"),
        ({"subject": "S", "html": "x", "text": "{{ 1"}, "text: line 1: unexpected end of template"),
        (
            {"subject": "S", "html": "<mjml>\n<mj-bdy/></mjml>"},
            "html: line 2: MJML: there is no <mj-bdy>; the nearest is <mj-body>",
        ),
        (
            {"subject": "S", "html": "x", "locales": {"de": {"subject": "{{ a }}", "html": "x"}}},
            "de: subject: line 1: there is no",
        ),
    ],
)
def test_a_template_that_gives_no_mail_is_refused(client: TestClient, body: Any, says: str) -> None:
    answer = client.put("/v1/templates/bad", json=body)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:waypost:problem:invalid-template")
    assert says in answer.json()["detail"]
    assert client.get("/v1/templates/bad").status_code == 404


def test_a_template_that_is_a_file_shows_what_stands_in_it(client: TestClient) -> None:
    built_in = Path(__file__).parent.parent.parent / "templates" / "email"
    shown = client.get("/v1/templates/welcome").json()
    assert (shown["kept"], shown["version"], shown["created_at"]) == ("file", None, None)
    assert shown["html"] == (built_in / "welcome.html").read_text()
    assert shown["subject"].startswith("Good to have you here{% if customer.first_name")
    assert shown["preheader"] == "What to expect from us, in half a minute."
    assert '{% extends "_layout.txt" %}' in shown["text"]
    assert list(shown["locales"]) == ["de"]
    assert shown["locales"]["de"]["html"] == (built_in / "welcome.de.html").read_text()
    assert {one["key"]: one for one in client.get("/v1/templates").json()["items"]}["welcome"] == shown


@pytest.mark.parametrize("key", ["welcome", "weekly_digest", "cross_sell"])
def test_what_is_shown_of_a_file_can_be_stored_as_it_is(client: TestClient, key: str) -> None:
    shown = client.get(f"/v1/templates/{key}").json()
    before = client.post(f"/v1/templates/{key}/preview", json={"attributes": {"digest": []}}).json()
    body = {name: shown[name] for name in ("subject", "preheader", "html", "text", "locales")}
    assert client.put(f"/v1/templates/{key}", json=body).status_code == 200
    after = client.post(f"/v1/templates/{key}/preview", json={"attributes": {"digest": []}}).json()
    assert {**after, "headers": None, "text": after["text"].strip()} == {
        **before,
        "headers": None,
        "text": before["text"].strip(),
    }


def test_a_preview_is_for_a_customer_or_for_somebody_made_up(client: TestClient) -> None:
    store(client)
    client.put("/v1/customers/ann", json={"attributes": {"first_name": "Ann & Bo"}})
    shown = client.post("/v1/templates/hello/preview", json={"customer": "ann"}).json()
    assert (shown["subject"], "Hi Ann &amp; Bo" in shown["html"], "Hi Ann & Bo" in shown["text"]) == (
        "Hi Ann & Bo",
        True,
        True,
    )
    made_up = client.post("/v1/templates/hello/preview", json={"attributes": {"first_name": "Zoë"}}).json()
    assert made_up["subject"] == "Hi Zoë"
    lacking = client.post("/v1/templates/hello/preview", json={"attributes": {"frist_name": "Z"}})
    assert (lacking.status_code, "'frist_name'" in lacking.json()["detail"]) == (422, True)
    assert client.post("/v1/templates/thank_you/preview").status_code == 200
    assert client.post("/v1/templates/nothing/preview").status_code == 404


def test_a_template_has_two_million_characters_and_a_body_of_templates_eight_megabytes(client: TestClient) -> None:
    row = "<p class='a'>Paragraph for {{ customer.first_name }}: " + "words " * 150 + "</p>\n"
    html = "<style>.a{color:red}</style>" + row * (1_999_900 // len(row))
    assert 1_990_000 < len(html) < 2_000_000
    stored = client.put(
        "/v1/templates/large", json={"subject": "S", "html": html, "locales": {"de": {"subject": "S", "html": html}}}
    )
    assert stored.status_code == 200
    assert any("Gmail clips" in one for one in stored.json()["warnings"])
    shown = client.post("/v1/templates/large/preview").json()
    assert shown["html"].count("Paragraph for Ann") == html.count("Paragraph")
    assert client.put("/v1/templates/large", json={"subject": "S", "html": html + "x" * 10_000}).status_code == 422
    assert client.put("/v1/templates/large", content=b" " * (8 * 1024**2 + 1)).status_code == 413
    assert client.put("/v1/topics/large", content=b" " * (1024**2 + 1)).status_code == 413


def test_a_large_template_that_takes_for_ever_is_a_problem_of_its_own(
    client: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "SECONDS", PATIENT)
    monkeypatch.setattr(render_pool, "SECONDS_PER_MILLION", 1.0)
    unclosed = client.put("/v1/templates/large", json={"subject": "S", "html": "<style>{#" * 220_000})
    assert (unclosed.status_code, "longer than" in unclosed.json()["detail"]) == (422, True)
    grown = client.put(
        "/v1/templates/grown",
        json={"subject": "S", "html": "{% for a in range(99) %}" + "x" * 1_000_000 + "{% endfor %}"},
    )
    assert "the output is larger than 6,000,000 characters" in grown.json()["warnings"][0]
    assert client.post("/v1/templates/thank_you/preview").status_code == 200


def test_the_mail_that_asks_for_consent_can_be_looked_at(client: TestClient, parts: Parts) -> None:
    """It is a transactional one, and names a link that others have not."""
    html = '<p><a href="{{ confirm_url }}">Yes</a> <a href="{{ preferences_url }}">Choose</a></p>'
    stored = client.put("/v1/templates/ask", json={"subject": "May we?", "html": html})
    assert [one for one in stored.json()["warnings"] if "no mail" in one] == []
    shown = client.post("/v1/templates/ask/preview", json={})
    assert (shown.status_code, "/confirm/" in shown.json()["html"]) == (200, True)
    asked = client.post("/v1/templates/ask/test", json={"to": "me@example.com"})
    assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, asked.json()["id"])) == "done"
    with parts.database.reading() as session:
        (mail,) = session.exec(select(OutboxMail)).all()
    assert "/confirm/" in mail.html


def test_a_poison_template_is_a_problem_of_its_own(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fault 20: an endless loop ends, and the next request is answered."""
    monkeypatch.setattr(limits, "SECONDS", PATIENT)
    monkeypatch.setattr(render_pool, "SECONDS", 2.0)
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    stored = client.put("/v1/templates/loop", json={"subject": "S", "html": loop})
    assert stored.status_code == 200
    assert "longer than" in stored.json()["warnings"][0]
    preview = client.post("/v1/templates/loop/preview")
    assert (preview.status_code, preview.json()["type"]) == (422, "urn:waypost:problem:invalid-template")
    assert client.post("/v1/templates/thank_you/preview").status_code == 200


def test_while_a_poison_template_is_stored_others_write(client: TestClient) -> None:
    """Nothing is rendered within a transaction, so the one writer of SQLite is free meanwhile."""
    loop = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    body = {"subject": "S", "html": loop}
    storing = threading.Thread(target=lambda: client.put("/v1/templates/loop", json=body))
    client.post("/v1/templates/thank_you/preview")
    storing.start()
    time.sleep(0.5)
    assert client.post("/v1/track", json={"userId": "ann", "event": "E"}).status_code == 200
    assert storing.is_alive(), "the template is still being tried"
    storing.join()


async def test_a_journey_sends_the_stored_template_and_says_which_version(parts: Parts, client: TestClient) -> None:
    store(client)
    text = "journey: w\nenter: [{on: Signed Up}]\nstart: n\nstages: {n: {steps: [{send: hello}]}}"
    assert client.put("/v1/journeys/w", content=text).status_code == 200
    client.post("/v1/journeys/w/publish")
    refused = client.delete("/v1/templates/hello")
    assert (refused.status_code, "w send" in refused.json()["detail"]) == (409, True)
    client.put("/v1/customers/ann", json={"attributes": {"first_name": "Ann", "email": "ann@example.com"}})
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    with parts.database.reading() as session:
        run = session.exec(select(Enrollment)).one()
    Shell(parts.database, run).wake(parts.clock())
    lane = parts.lane("journey")
    lane.take()
    assert await lane.pump() == 1
    await lane.drain()
    with parts.database.reading() as session:
        (message,), (mail,) = session.exec(select(Message)).all(), session.exec(select(OutboxMail)).all()
    assert (message.status, message.template_version, mail.subject) == ("accepted", 1, "Hi Ann")
    shown = client.get(f"/v1/messages/{message.id}").json()
    assert "Hi Ann" in shown["html"]


def test_a_test_mail_goes_to_one_address_and_says_so(client: TestClient, parts: Parts) -> None:
    store(client)
    asked = client.post("/v1/templates/hello/test", json={"to": "me@example.com", "attributes": {"first_name": "Me"}})
    assert asked.status_code == 202
    assert asyncio.run(ActivityEnvironment().run(parts.operations().operate, asked.json()["id"])) == "done"
    done = client.get(f"/v1/operations/{asked.json()['id']}").json()
    assert done["result"] == {"outcome": "accepted", "subject": "[Test] Hi Me"}
    assert "me@example.com" not in str(done)
    with parts.database.reading() as session:
        (mail,) = session.exec(select(OutboxMail)).all()
    assert (mail.to_address, mail.headers["X-Waypost-Test"]) == ("me@example.com", "yes")
    assert client.post("/v1/templates/hello/test", json={"to": "no address"}).status_code == 422


# -- topics, consent, suppressions, settings ---------------------------------------------------------------------------


def test_a_topic_is_made_changed_and_removed(client: TestClient) -> None:
    body = {"name": "News", "consent": "opt_in", "cap": {"max": 2, "per": "7 days"}}
    made = client.put("/v1/topics/news", json=body).json()
    assert (made["consent"], made["cap_max"], made["cap_seconds"]) == ("opt_in", 2, 604_800)
    assert [one["key"] for one in client.get("/v1/topics").json()["items"]] == ["news"]
    assert client.delete("/v1/topics/news").status_code == 204
    assert client.get("/v1/topics/news").status_code == 404


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"cap": {"max": 0, "per": "1 day"}}, "cap.max"),
        ({"cap": {"max": 1, "per": "3 moons"}}, "cap.per"),
        ({"consent": "maybe"}, "consent"),
        ({"consent": "opt_in", "transactional": True}, "consent"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_an_odd_topic_is_refused_with_the_field(client: TestClient, body: Any, path: str) -> None:
    answer = client.put("/v1/topics/news", json=body)
    assert (answer.status_code, answer.json()["path"]) == (422, path)


def test_consent_is_said_and_shown(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {}})
    said = client.put("/v1/customers/ann/consent/news", json={"granted": True, "source": "form"}).json()
    assert [(one["topic"], one["granted"], one["source"]) for one in said] == [("news", True, "form")]
    late = {"granted": False, "at": "2020-01-01T00:00:00Z"}
    client.put("/v1/customers/ann/consent/news", json=late)
    assert client.get("/v1/customers/ann/consent").json()[0]["granted"], "the later statement holds"
    assert client.put("/v1/customers/ann/consent/*", json={"granted": False}).status_code == 200
    assert client.put("/v1/customers/ann/consent/no topic", json={"granted": False}).status_code == 422
    whats = [one["what"] for one in client.get("/v1/customers/ann/timeline").json()["items"]]
    assert whats[:2] == ["unsubscribed", "consented"]


def test_an_address_is_suppressed_and_let_go(client: TestClient) -> None:
    made = client.put("/v1/suppressions/Ann@Example.com", json={"reason": "complaint"}).json()
    assert (made["email"], made["reason"]) == ("ann@example.com", "complaint")
    assert client.put("/v1/suppressions/ann@example.com").json()["reason"] == "complaint", "the first reason stays"
    assert len(client.get("/v1/suppressions?reason=complaint").json()["items"]) == 1
    assert client.delete("/v1/suppressions/ann@example.com").status_code == 204
    assert client.delete("/v1/suppressions/ann@example.com").status_code == 404


@pytest.mark.parametrize("email", ["nobody", "a@", "x" * 65 + "@example.com", "a b@example.com", "a@example..com"])
def test_what_is_no_address_is_refused(client: TestClient, email: str) -> None:
    """Fault 22, the other half: odd but right addresses are taken."""
    assert client.put(f"/v1/suppressions/{email}").status_code == 422


@pytest.mark.parametrize("email", ["ünïcode@exämple.de", "用户@例子.公司", "o'hara+tag@sub.example.co.uk"])
def test_an_odd_address_is_an_address(client: TestClient, email: str) -> None:
    assert client.put(f"/v1/suppressions/{email}").status_code == 200


def test_the_settings_have_defaults_and_are_checked(client: TestClient) -> None:
    assert client.get("/v1/settings").json()["timezone"] == "UTC"
    body = {"timezone": "Europe/Berlin", "quiet_hours": {"from": "21:00", "to": "08:00"}, "sandbox": ["@example.com"]}
    assert client.put("/v1/settings", json=body).json()["quiet_hours"] == {"from": "21:00", "to": "08:00"}
    for odd in (
        {"timezone": "Mars/Base"},
        {"quiet_hours": {"from": "25:00", "to": "1:00"}},
        {"cap": {"max": 1}},
        {"x": 1},
    ):
        assert client.put("/v1/settings", json=odd).status_code == 422
    assert client.get("/v1/settings").json()["timezone"] == "Europe/Berlin"


# -- journeys ----------------------------------------------------------------------------------------------------------


def test_a_journey_is_paused_resumed_and_archived(client: TestClient, welcome: Any) -> None:
    assert client.post("/v1/journeys/welcome/pause").json()["paused_at"]
    again = client.post("/v1/journeys/welcome/pause")
    assert (again.status_code, "paused already" in again.json()["detail"]) == (409, True)
    resumed = client.post("/v1/journeys/welcome/resume").json()
    assert (resumed["paused_at"], resumed["operation"][:3]) == (None, "op_")
    archived = client.post("/v1/journeys/welcome/archive", json={"in_flight": "exit"}).json()
    assert archived["archived_at"]
    assert client.get("/v1/journeys").json()["items"] == []
    assert len(client.get("/v1/journeys?archived=true").json()["items"]) == 1
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    assert client.get("/v1/enrollments").json()["items"] == [], "it lets nobody in"
    refused = client.post("/v1/journeys/welcome/enrollments", json={"customer": "ann"})
    assert (refused.status_code, refused.json()["path"]) == (409, "archived")
    assert client.post("/v1/journeys/welcome/publish").json()["number"] == 2
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    assert len(client.get("/v1/enrollments").json()["items"]) == 1
