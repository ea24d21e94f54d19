"""The log of events as they come, and of what was refused: found by name, folded, and told anew where others came."""

import re
from collections.abc import Callable

import pytest
from fastapi.testclient import TestClient

from tests.http.test_customer_pages import HOSTILE
from tests.http.test_writing_pages import PART
from waypost.client import Waypost

Browser = Callable[..., TestClient]


@pytest.fixture
def desk(browser: Browser, client: TestClient) -> TestClient:
    """Support looks, where three events came and two were refused."""
    for name, properties in (
        ("Signed Up", {}),
        ("Order Completed", {"total": 39.9, HOSTILE: HOSTILE}),
        (HOSTILE[:60], {}),
    ):
        client.post("/v1/track", json={"userId": "ann", "event": name, "properties": properties})
    client.post("/v1/track", json={"userId": "ann"})
    client.post("/v1/identify", json={"traits": {}})
    return browser("support")


def names(page: str) -> list[str]:
    return re.findall(r'<td><a href="/events\?name=[^"]+"><bdi>([^<]{,20})', page)


def test_the_newest_stand_first_with_whose_they_are_and_what_they_said(desk: TestClient) -> None:
    page = desk.get("/events").text
    assert names(page)[1:] == ["Order Completed", "Signed Up"]
    assert ("<bdi>ann</bdi>" in page, "2 properties" in page, "39.9" in page) == (True, True, True)
    assert "<script>alert" not in page
    assert names(desk.get("/events?name=Signed+Up").text) == ["Signed Up"]
    assert "None has this name" in desk.get("/events?name=signed+up").text


def test_older_ones_are_behind_the_newest_and_stand_still(desk: TestClient) -> None:
    first = desk.get("/events?limit=2").text
    assert ("every 3s" in first, len(names(first))) == (True, 2)
    (older,) = re.findall(r'href="/events\?cursor=([^"]+)">Older', first)
    second = desk.get(f"/events?cursor={older}").text
    assert ("every 3s" in second, names(second)) == (False, ["Signed Up"])
    assert "every 3s" not in desk.get("/events?held=true").text


def test_whoever_has_them_is_told_nothing_until_others_come(desk: TestClient, client: TestClient) -> None:
    (again,) = re.findall(r'hx-get="(/events\?shown=\w+)"', desk.get("/events").text)
    assert desk.get(again, headers=PART).status_code == 204
    client.post("/v1/track", json={"userId": "bob", "event": "Paid"})
    part = desk.get(again, headers=PART)
    assert (part.status_code, names(part.text)[0], "<html" in part.text) == (200, "Paid", False)


def test_what_was_refused_is_told_with_its_field_and_why(desk: TestClient) -> None:
    assert "The last that was refused" in desk.get("/events").text
    page = desk.get("/events/refused").text
    assert ("userId or anonymousId is required" in page, "a track call names its event" in page) == (True, True)
    of_one = desk.get("/events/refused?type=track").text
    assert ("userId or anonymousId is required" in of_one, "a track call names its event" in of_one) == (False, True)
    assert "None of this type" in desk.get("/events/refused?type=page").text


def test_programs_list_them_too(client: TestClient, keys: dict[str, str]) -> None:
    with Waypost("http://testserver", keys["support"], transport=client._transport) as calls:
        for user, name in (("ann", "Signed Up"), ("bob", "Paid")):
            client.post("/v1/track", json={"userId": user, "event": name})
        assert [one["name"] for one in calls.events()] == ["Paid", "Signed Up"]
        assert [one["name"] for one in calls.events(name="Paid")] == ["Paid"]
