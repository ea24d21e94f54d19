"""Segments on the pages: listed with who is in them, written with who would be in them, changed once and removed."""

import re
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.customers.audiences import segment_preview
from store.queries.audiences import segments as segment_rows
from store.tables.access import Audit
from store.tables.customers import Segment
from tests.http.desks import token
from tests.http.test_operations import rows
from waypost.wiring import Parts

GERMAN = 'customer.country == "DE"'


@pytest.fixture
def people(client: TestClient) -> None:
    """Three customers, of whom two are German, and one's name is full of HTML."""
    told = {"<b>ann</b>": "DE", "bob": "DE", "cy": "FR"}
    batch = [{"type": "identify", "userId": who, "traits": {"country": where}} for who, where in told.items()]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200


def put(client: TestClient, key: str = "german", guard: str = GERMAN, **more: Any) -> None:
    assert client.put(f"/v1/segments/{key}", json={"guard": guard, **more}).status_code == 200


def join(parts: Parts, key: str, count: int) -> None:
    with parts.database.writing() as session:
        segment_rows.join(session, [(key, f"cus_{number:03}") for number in range(count)], parts.clock())


def audits(parts: Parts) -> list[tuple[str, str, str]]:
    return [(one.action, one.kind, one.target) for one in rows(parts, Audit) if one.kind == "segment"]


def test_segments_are_listed_with_how_many_are_in_them(
    browser: Callable[..., TestClient],
    client: TestClient,
    parts: Parts,
    statements: Any,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    desk = browser("support")
    assert "A marketer writes one" in desk.get("/segments").text
    put(client, name="<i>German</i>")
    put(client, "loyal", "customer.age > 5")
    join(parts, "german", 3)
    with statements(parts.database, at_most=6):
        shown = desk.get("/segments").text
    assert ("&lt;i&gt;German" in shown, "<i>German" in shown, "/segments/new" in shown) == (True, False, False)
    assert re.findall(r'href="/customers\?segment=(\w+)">([^<]*)<', shown) == [("german", "3"), ("loyal", "0")]
    monkeypatch.setattr("api.pages.segments.listing.COUNTED", 2)
    assert '<a href="/customers?segment=german">over 2</a>' in desk.get("/segments").text
    assert "/segments?cursor=" in desk.get("/segments?limit=1").text


def test_one_segment_says_who_is_in_it_and_what_it_lets_them_into(
    browser: Callable[..., TestClient], client: TestClient, people: None, parts: Parts, statements: Any
) -> None:
    put(client)
    ids = [one["id"] for one in client.get("/v1/customers").json()["items"]]
    with parts.database.writing() as session:
        segment_rows.join(session, [("german", one) for one in ids], parts.clock())
    text = (
        "journey: hello\nenter: [{segment: german}]\nstart: new\nstages: {new: {steps: [{send: mail_a}], final: true}}"
    )
    assert client.put("/v1/journeys/hello", content=text).status_code == 200
    assert client.post("/v1/journeys/hello/publish").status_code == 200
    desk = browser("support")
    with statements(parts.database, at_most=10):
        shown = desk.get("/segments/german").text
    assert ("In it now: 3" in shown, "&lt;b&gt;ann" in shown, "<b>ann" in shown) == (True, True, False)
    assert ('<a href="/journeys/hello">hello</a>' in shown, "Everybody is being looked at" in shown) == (True, True)
    assert ("Edit</a>" in shown, "/v1/segments/german" in shown) == (False, True)
    assert desk.get("/segments/nobody").status_code == 404


def test_who_would_be_in_it_is_shown_while_one_types(
    browser: Callable[..., TestClient], people: None, parts: Parts, statements: Any
) -> None:
    desk = browser("marketer")
    page = desk.get("/segments/new").text
    assert 'hx-post="/segments/preview" hx-trigger="input changed delay:400ms"' in page
    said = {"form_token": token(page), "key": "german", "guard": GERMAN}
    with statements(parts.database, at_most=10):
        part = desk.post("/segments/preview", data=said, headers={"HX-Request": "true"}).text
    assert ("<b>2</b> of 3 customers" in part, "&lt;b&gt;ann" in part, "<html" in part) == (True, True, False)
    whole = desk.post("/segments/preview", data=said).text
    assert ('value="german"' in whole, "<b>2</b> of 3 customers" in whole) == (True, True)
    wrong = desk.post("/segments/preview", data={**said, "guard": "customer.country ="}, headers={"HX-Request": "true"})
    assert (wrong.status_code, 'role="alert"' in wrong.text) == (200, True)
    untold = desk.post("/segments/preview", data={**said, "guard": "date(customer.country) > now"})
    assert ("2 cannot be told" in untold.text, "1 cannot be told" in untold.text) == (True, True)
    assert "Write a condition" in desk.post("/segments/preview", data={**said, "guard": " "}).text
    assert rows(parts, Segment) == []


def test_the_first_few_who_would_be_in_it_are_named(client: TestClient, people: None, parts: Parts) -> None:
    more = [{"type": "identify", "userId": f"u{one}", "traits": {"country": "DE"}} for one in range(10)]
    client.post("/v1/batch", json={"batch": more})
    with parts.database.reading() as session:
        found = segment_preview.preview(session, GERMAN, parts.clock())
    assert (found.belong, len({one.id for one in found.first}), segment_preview.FIRST) == (12, 8, 8)
    assert {one.attributes["country"] for one in found.first} == {"DE"}


def test_a_dear_guard_is_tried_on_fewer_customers(client: TestClient) -> None:
    """Two hundred of fifty milliseconds each would hold the process for ten seconds, and every key may ask."""
    tags = [f"tag {one}" for one in range(200)]
    people = [{"type": "identify", "userId": f"t{number}", "traits": {"tags": tags}} for number in range(12)]
    assert client.post("/v1/batch", json={"batch": people}).status_code == 200
    guard = "customer.tags.all(a, customer.tags.exists(b, b == a))"
    found = client.post("/v1/segments/preview", json={"guard": guard}).json()
    assert (found["looked_at"], found["belong"], found["problems"]) == (6, 6, [])


def test_a_segment_is_written_and_a_second_author_writes_over_nothing(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    desk = browser("marketer")
    form_token = token(desk.get("/segments/new").text)
    said = {"form_token": form_token, "key": "german", "name": "German", "guard": GERMAN}
    made = desk.post("/segments/save", data=said)
    assert (made.status_code, made.headers["location"]) == (303, "/segments/german")
    twice = desk.post("/segments/save", data={**said, "guard": "true"})
    assert (twice.status_code, "There is a segment with this key already" in twice.text) == (412, True)
    seen = re.search(r'name="seen" value="([^"]+)"', desk.get("/segments/german/edit").text)
    assert seen is not None
    mark = seen[1].replace("&#34;", '"')
    put(client, name="Of Germany")
    late = desk.post("/segments/save", data={**said, "name": "Mine", "seen": mark})
    assert (late.status_code, "Nothing was written over" in late.text, 'value="Mine"' in late.text) == (412, True, True)
    assert [one.name for one in rows(parts, Segment)] == ["Of Germany"]
    now = re.search(r'name="seen" value="([^"]+)"', desk.get("/segments/german/edit").text)
    assert now is not None
    said |= {"seen": now[1].replace("&#34;", '"'), "guard": 'customer.country == "AT"'}
    assert desk.post("/segments/save", data=said).status_code == 303
    assert audits(parts) == [(what, "segment", "german") for what in ("created", "changed", "changed")]


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"key": "1<b>"}, "key: String should match pattern"),
        ({"guard": "customer.country ="}, "guard"),
        ({"guard": "event.name == 'x'"}, "a segment&#39;s guard reads the customer, not an event"),
        ({"guard": "x" * 4_001}, "guard: String should have at most 4000 characters"),
        ({"name": "n" * 201}, "name: String should have at most 200 characters"),
    ],
)
def test_a_segment_that_is_none_is_told_beside_what_was_typed(
    browser: Callable[..., TestClient], parts: Parts, changed: dict[str, str], told: str
) -> None:
    desk = browser("marketer")
    said = {"form_token": token(desk.get("/segments/new").text), "key": "german", "guard": GERMAN, **changed}
    refused = desk.post("/segments/save", data=said)
    assert (refused.status_code, told in refused.text) == (422, True), refused.text
    assert rows(parts, Segment) == []


def test_a_segment_is_removed_once_that_was_confirmed_and_not_while_a_journey_needs_it(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    put(client)
    text = (
        "journey: hello\nenter: [{segment: german}]\nstart: new\nstages: {new: {steps: [{send: mail_a}], final: true}}"
    )
    client.put("/v1/journeys/hello", content=text)
    assert client.post("/v1/journeys/hello/publish").status_code == 200
    desk = browser("marketer")
    asked = desk.get("/segments/german/remove").text
    assert "It lets customers into hello" in asked
    said = {"form_token": token(asked), "seen": token(asked, "seen")}
    refused = desk.post("/segments/german/remove", data=said)
    assert (refused.status_code, len(rows(parts, Segment))) == (409, 1)
    client.post("/v1/journeys/hello/archive")
    client.put("/v1/segments/german", json={"guard": 'customer.country == "AT"'})
    unseen = desk.post("/segments/german/remove", data=said)
    assert (unseen.status_code, "changed it since you looked" in unseen.text, "AT" in unseen.text) == (409, True, True)
    said["seen"] = token(unseen.text, "seen")
    assert desk.post("/segments/german/remove", data=said).status_code == 303
    assert (rows(parts, Segment), audits(parts)[-1]) == ([], ("removed", "segment", "german"))
    assert desk.get("/segments/german").status_code == 404
    assert desk.post("/segments/german/remove", data=said).status_code == 404


def test_support_sees_segments_and_writes_none(
    browser: Callable[..., TestClient], client: TestClient, parts: Parts
) -> None:
    put(client)
    desk = browser("support")
    form_token = token(desk.get("/segments").text)
    for path in ("/segments/new", "/segments/german/edit", "/segments/german/remove"):
        assert desk.get(path).status_code == 403
    for path in ("/segments/save", "/segments/preview", "/segments/german/remove"):
        assert desk.post(path, data={"form_token": form_token, "key": "x", "guard": "true"}).status_code == 403
    forged = browser("marketer").post("/segments/save", data={"form_token": "0" * 32, "key": "x", "guard": "true"})
    assert (forged.status_code, len(rows(parts, Segment))) == (403, 1)
