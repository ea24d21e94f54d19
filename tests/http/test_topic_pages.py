"""Topics and suppressions on the pages: terms written, mail held and let go, addresses found, added and lifted."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.customers import suppressions
from store.tables.access import Audit
from store.tables.customers import Suppression
from store.tables.definitions import Topic
from tests.http.desks import token
from tests.http.test_operations import rows
from waypost.wiring import Parts

NEWS = {"name": "News", "consent": "opt_out", "cap_max": "2", "cap_per": "7 days", "names": "de: Neuigkeiten\n"}


def audits(parts: Parts) -> list[tuple[str, str, str, Any]]:
    return [(one.action, one.kind, one.target, (one.after or {}).get("said")) for one in rows(parts, Audit)]


def seen(page: str) -> str:
    found = re.search(r'name="seen" value="([^"]*)"', page)
    assert found is not None
    return found[1].replace("&#34;", '"')


def test_a_topic_is_written_with_its_terms_and_typed_again_as_it_was(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("marketer")
    assert "Make the first" in desk.get("/topics").text
    form_token = token(desk.get("/topics/new").text)
    made = desk.post("/topics/save", data={"form_token": form_token, "key": "news", **NEWS})
    assert (made.status_code, made.headers["location"]) == (303, "/topics")
    (kept,) = rows(parts, Topic)
    assert (kept.name, kept.names, kept.consent, kept.cap_max, kept.cap_seconds) == (
        "News", {"de": "Neuigkeiten"}, "opt_out", 2, 604_800,
    )  # fmt: skip
    with statements(parts.database, at_most=4):
        shown = desk.get("/topics").text
    assert ("2 within 7 days" in shown, "to whoever did not say no" in shown) == (True, True)
    page = desk.get("/topics/news/edit").text
    assert ('value="7 days"' in page, "de: Neuigkeiten" in page, 'value="2"' in page) == (True, True, True)
    said = {"form_token": form_token, "key": "news", "name": "<b>News</b>", "consent": "opt_in", "seen": seen(page)}
    assert desk.post("/topics/save", data=said).status_code == 303
    (kept,) = rows(parts, Topic)
    assert (kept.name, kept.consent, kept.cap_max, kept.names) == ("<b>News</b>", "opt_in", None, {})
    shown = desk.get("/topics").text
    assert ("<b>News" in shown, "&lt;b&gt;News" in shown) == (False, True)
    late = desk.post("/topics/save", data=said)
    assert (late.status_code, "Nothing was written over" in late.text) == (412, True)
    assert [one[:3] for one in audits(parts)] == [("created", "topic", "news"), ("changed", "topic", "news")]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"key": "no key"}, "key: String should match pattern"),
        ({"names": "Neuigkeiten"}, "write a language and its name on a line"),
        ({"cap_per": "soon"}, "is not a duration"),
        ({"cap_max": "many"}, "cap.max: Input should be a valid integer"),
        ({"cap_max": ""}, "cap.max"),
        ({"consent": "maybe"}, "consent: Input should be"),
        ({"transactional": "true", "consent": "opt_in"}, "transactional mail asks for no consent"),
    ],
)
def test_terms_that_are_none_are_told_beside_what_was_typed(
    browser: Callable[..., TestClient], parts: Parts, changed: dict[str, str], told: str
) -> None:
    desk = browser("marketer")
    said = {"form_token": token(desk.get("/topics/new").text), "key": "news", **NEWS, **changed}
    refused = desk.post("/topics/save", data=said)
    assert (refused.status_code, told in refused.text, "Neuigkeiten" in refused.text) == (422, True, True), refused.text
    assert rows(parts, Topic) == []


def test_mail_about_a_topic_is_held_and_let_go_once_that_was_confirmed(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    client.put("/v1/topics/news", json={"name": "News"})
    desk = browser("marketer")
    asked = desk.get("/topics/news/pause").text
    assert ("No mail about it goes from now on" in asked, "No live journey sends mail" in asked) == (True, True)
    said = {"form_token": token(asked), "reason": "wrong price"}
    assert desk.post("/topics/news/pause", data=said).status_code == 303
    assert "Resume …" in desk.get("/topics").text
    again = desk.post("/topics/news/pause", data=said)
    assert (again.status_code, "is paused already" in again.text) == (409, True)
    assert desk.post("/topics/news/resume", data={"form_token": said["form_token"]}).status_code == 303
    seen = token(asked := desk.get("/topics/news/remove").text, "seen")
    client.put("/v1/topics/news", json={"name": "News of tea"})
    unseen = desk.post("/topics/news/remove", data={"form_token": token(asked), "seen": seen})
    assert (unseen.status_code, "changed it since you looked" in unseen.text) == (409, True)
    assert "Remove the topic News of tea?" in unseen.text
    anew = {"form_token": token(asked), "seen": token(unseen.text, "seen")}
    assert desk.post("/topics/news/remove", data=anew).status_code == 303
    assert (rows(parts, Topic), desk.get("/topics/news/pause").status_code) == ([], 404)
    assert audits(parts)[-4:] == [
        ("paused", "topic", "news", "wrong price"), ("resumed", "topic", "news", None),
        ("changed", "topic", "news", None), ("removed", "topic", "news", None),
    ]  # fmt: skip


def test_support_sees_topics_and_changes_none(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    client.put("/v1/topics/news", json={"name": "News"})
    desk = browser("support")
    shown = desk.get("/topics").text
    assert ("News" in shown, "Pause …" in shown) == (True, False)
    for path in ("/topics/new", "/topics/news/edit", "/topics/news/pause"):
        assert desk.get(path).status_code == 403
    for path in ("/topics/save", "/topics/news/pause", "/topics/news/remove"):
        assert desk.post(path, data={"form_token": token(shown), "key": "x"}).status_code == 403
    forged = browser("marketer").post("/topics/news/remove", data={"form_token": "0" * 32})
    assert (forged.status_code, len(rows(parts, Topic))) == (403, 1)


@pytest.fixture
def suppressed(parts: Parts) -> None:
    with parts.database.writing() as session:
        for email, reason in (("ann@example.com", "bounce"), ("anna@example.com", "complaint"), ("bob@x.de", "manual")):
            suppressions.put(session, email, reason, "key <b>k</b>", parts.clock())


def listed(page: str) -> list[str]:
    return re.findall(r"<bdi>([^<]+@[^<]+)</bdi></a>", page)


@pytest.mark.usefixtures("suppressed")
def test_suppressions_are_found_by_how_an_address_begins_and_by_their_reason(
    browser: Callable[..., TestClient], parts: Parts, statements: Any
) -> None:
    desk = browser("support")
    desk.get("/suppressions")
    with statements(parts.database, at_most=6):
        shown = desk.get("/suppressions").text
    assert ("&lt;b&gt;k" in shown, "<b>k" in shown, "Suppress it" in shown) == (True, False, False)
    found = {
        "": ["ann@example.com", "anna@example.com", "bob@x.de"], "query=ANN": ["ann@example.com", "anna@example.com"],
        "query=ann@": ["ann@example.com"], "reason=complaint": ["anna@example.com"], "query=ann&reason=manual": [],
        "query=%25": [],
    }  # fmt: skip
    assert {query: listed(desk.get(f"/suppressions?{query}").text) for query in found} == found
    assert "None begins so" in desk.get("/suppressions?query=zoe").text
    more = re.search(r'class="more"><a href="([^"]+)"', desk.get("/suppressions?limit=2&query=ann").text)
    assert more is None
    assert "cursor=" in desk.get("/suppressions?limit=2").text
    assert desk.get("/suppressions?reason=spite").status_code == 422


def test_an_address_is_suppressed_on_record(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    desk = browser("marketer")
    page = desk.get("/suppressions").text
    assert "No address is suppressed" in page
    said = {"form_token": token(page), "email": " Ann@Example.com ", "reason": "asked by phone"}
    client.post("/v1/identify", json={"userId": "ann", "traits": {"email": "ann@example.com"}})
    assert desk.post("/suppressions", data=said).status_code == 303
    (kept,) = rows(parts, Suppression)
    entry = rows(parts, Audit)[-1]
    assert (kept.email, kept.reason, kept.source) == ("ann@example.com", "manual", f"user {entry.actor}")
    assert (entry.action, entry.kind, entry.target[:4], entry.after["said"]) == (
        "suppressed", "customer", "cus_", "asked by phone",
    )  # fmt: skip
    assert "ann@" not in repr(entry)
    wrong = desk.post("/suppressions", data={**said, "email": "<b>nobody"})
    assert (wrong.status_code, "this is no email address" in wrong.text, "<b>nobody" in wrong.text) == (
        422,
        True,
        False,
    )


@pytest.mark.usefixtures("suppressed")
def test_an_address_is_let_be_written_to_again_with_a_reason(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("marketer")
    said = {"form_token": token(desk.get("/suppressions").text), "email": "ann@example.com"}
    asked = desk.post("/suppressions/lift/ask", data=said)
    assert (asked.status_code, "It gets nothing because of: bounce." in asked.text) == (200, True)
    bare = desk.post("/suppressions/lift", data={**said, "reason": " "})
    assert (bare.status_code, "Say why" in bare.text, len(rows(parts, Suppression))) == (422, True, 3)
    assert desk.post("/suppressions/lift", data={**said, "reason": "their mailbox works"}).status_code == 303
    assert [one.email for one in rows(parts, Suppression)] == ["anna@example.com", "bob@x.de"]
    assert audits(parts) == [("unsuppressed", "customer", "nobody known", "their mailbox works")]
    assert desk.post("/suppressions/lift/ask", data=said).status_code == 404
    assert desk.post("/suppressions/lift", data={**said, "reason": "again"}).status_code == 404


@pytest.mark.usefixtures("suppressed")
def test_support_suppresses_nobody_and_lifts_nothing(browser: Callable[..., TestClient], parts: Parts) -> None:
    desk = browser("support")
    form_token = token(desk.get("/suppressions").text)
    said = {"email": "ann@example.com", "reason": "x"}
    for path in ("/suppressions", "/suppressions/lift/ask", "/suppressions/lift"):
        assert desk.post(path, data={"form_token": form_token, **said}).status_code == 403
        assert browser_of(desk, path, said).status_code == 403
    assert len(rows(parts, Suppression)) == 3


def browser_of(desk: TestClient, path: str, said: dict[str, str]) -> Any:
    """The same with a token that is made up."""
    return desk.post(path, data={"form_token": "0" * 32, **said})
