"""An author asks for approval, and an approver confirms exactly the plan that was asked for, or declines with a reason."""

import asyncio
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from temporalio.testing import ActivityEnvironment

from services.access.keys import api_keys
from store.tables.access import Operation
from store.tables.enrollments import Enrollment
from tests.conftest import HandClock, settings_for
from tests.http import tour
from tests.http.desks import token
from tests.http.test_writing_pages import TEXT, form, planned
from tests.shells import Shell
from waypost.wiring import Parts

Browser = Callable[..., TestClient]
ASKED = "/v1/journeys/tour/approvals"
QUICKER = tour.JOURNEY.replace("{wait: 3 days}, ", "")
"""Without their wait, so that whoever is moved is mailed at once: of these none may be more or fewer."""


@pytest.fixture
def parts(tmp_path: Path, template_folder: Path, clock: HandClock, sqlite: Path) -> Iterator[Parts]:
    """An installation that asks for approval; `client` is its admin key, which wrote nothing yet."""
    (tmp_path / "waypost.db").write_bytes(sqlite.read_bytes())
    made = Parts(settings_for(tmp_path, templates=template_folder, approval=True), clock)
    yield made
    made.close()


@pytest.fixture
def author(parts: Parts) -> dict[str, str]:
    """The headers of a marketer's key, whose id is `id`."""
    with parts.database.writing() as session:
        made, text = api_keys.create(session, "author", ["marketer"], parts.clock())
        return {"Authorization": f"Bearer {text}", "id": made.id}


@pytest.fixture
def shells(client: TestClient, parts: Parts, author: dict[str, str]) -> list[Shell]:
    """Seven under way in the first version, which one key wrote and another published; and a draft without their wait."""
    headers = {"Authorization": author["Authorization"]}
    assert client.put("/v1/journeys/tour", content=tour.JOURNEY, headers=headers).status_code == 200
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    for number in range(tour.CUSTOMERS):
        client.put(f"/v1/customers/c{number}", json={"attributes": {"email": f"c{number}@example.com"}})
        client.post("/v1/track", json={"userId": f"c{number}", "event": "Signed Up"})
    with parts.database.reading() as session:
        made = [Shell(parts.database, one) for one in session.exec(select(Enrollment))]
    for one in made:
        one.wake(parts.clock())
    assert client.put("/v1/journeys/tour", content=QUICKER, headers=headers).status_code == 200
    return made


def counted(parts: Parts) -> None:
    """Every plan that was asked for is made."""
    with parts.database.reading() as session:
        queued = session.exec(select(Operation.id).where(Operation.status == "queued")).all()
    for one in queued:
        asyncio.run(ActivityEnvironment().run(parts.operations().operate, one))


def plan(client: TestClient, parts: Parts, headers: dict[str, str]) -> str:
    token = client.post("/v1/journeys/tour/plan", json={"in_flight": "move"}, headers=headers).json()["id"]
    counted(parts)
    return token


@pytest.fixture
def asked(client: TestClient, parts: Parts, shells: list[Shell], author: dict[str, str]) -> dict[str, Any]:
    """The author has planned the draft, and asks for its approval."""
    headers = {"Authorization": author["Authorization"]}
    body = {"plan": plan(client, parts, headers), "in_flight": "move", "note": "for Friday"}
    answer = client.post(ASKED, json=body, headers=headers)
    assert answer.status_code == 201, answer.text
    return answer.json()


def made_key(parts: Parts, scope: str) -> dict[str, str]:
    """The headers of another key."""
    with parts.database.writing() as session:
        return {"Authorization": f"Bearer {api_keys.create(session, scope, [scope], parts.clock())[1]}"}


def approver_key(parts: Parts) -> dict[str, str]:
    return made_key(parts, "approver")


def on_record(client: TestClient) -> list[str]:
    items = client.get("/v1/audit", params={"kind": "journey"}).json()["items"]
    return [one["action"] for one in items]


def test_what_was_asked_for_is_published_as_its_plan_has_told(
    client: TestClient, parts: Parts, asked: dict[str, Any], author: dict[str, str]
) -> None:
    assert {name: asked[name] for name in ("journey", "in_flight", "note", "status", "asked_by")} == {
        "journey": "tour", "in_flight": "move", "note": "for Friday", "status": "open", "asked_by": author["id"],
    }  # fmt: skip
    headers = {"Authorization": author["Authorization"]}
    approvers = approver_key(parts)
    assert client.get("/v1/journeys/tour", headers=approvers).status_code == 200
    done = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]}, headers=approvers).json()
    assert (done["number"], done["operation"]["total"]) == (2, tour.CUSTOMERS)
    shown = client.get(f"{ASKED}/{asked['id']}", headers=headers).json()
    assert (shown["status"], shown["version"], shown["decided_by"] != author["id"]) == ("confirmed", 2, True)
    again = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]})
    assert (again.status_code, again.json()["path"]) == (409, "decided")
    assert client.get(ASKED, params={"status": "open"}).json()["items"] == []
    assert on_record(client)[:2] == ["published", "asked for approval of"]


def test_a_second_key_of_a_marketer_is_no_second_pair_of_eyes(
    client: TestClient, parts: Parts, asked: dict[str, Any], author: dict[str, str]
) -> None:
    """Whoever has one beside their sign-in would be both."""
    for headers in ({"Authorization": author["Authorization"]}, made_key(parts, "marketer")):
        for call, body in (
            (f"{ASKED}/{asked['id']}/confirm", {"plan": asked["plan"]}),
            ("/v1/journeys/tour/publish", {"token": asked["plan"], "in_flight": "move"}),
        ):
            refused = client.post(call, json=body, headers=headers)
            assert (refused.status_code, "approver or admin" in refused.json()["detail"]) == (403, True), call
    other = client.post(f"{ASKED}/{asked['id']}/decline", json={"reason": "no"}, headers=headers)
    assert (other.status_code, client.get(f"{ASKED}/{asked['id']}").json()["status"]) == (403, "open")
    no = client.post(f"{ASKED}/{asked['id']}/decline", json={"reason": "no"}, headers=approver_key(parts))
    assert no.json()["status"] == "declined"


def test_who_has_gone_on_since_is_counted_anew_and_nothing_is_published(
    client: TestClient, asked: dict[str, Any], shells: list[Shell], parts: Parts
) -> None:
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    for one in shells:
        one.wake(parts.clock())
    drifted = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]})
    assert (drifted.status_code, drifted.json()["type"]) == (409, "urn:waypost:problem:plan-drifted")
    new = client.get(f"{ASKED}/{asked['id']}").json()
    assert (new["status"], new["plan"]) == ("open", drifted.json()["plan"]["token"])
    assert new["plan"] != asked["plan"]
    unseen = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]})
    assert (unseen.status_code, unseen.json()["path"]) == (409, "other_plan")
    early = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": new["plan"]})
    assert (early.status_code, early.json()["path"]) == (409, "unfinished_plan")
    counted(parts)
    assert client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": new["plan"]}).json()["number"] == 2


def test_a_plan_of_hours_ago_is_counted_anew_first(
    client: TestClient, asked: dict[str, Any], parts: Parts, clock: HandClock
) -> None:
    clock.forward(hours=3)
    old = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]})
    assert (old.status_code, old.json()["path"]) == (409, "old_token")
    new = client.get(f"{ASKED}/{asked['id']}").json()["plan"]
    assert new in old.json()["detail"]
    counted(parts)
    assert client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": new}).json()["number"] == 2


def test_what_is_asked_for_is_what_the_plan_tells_or_that_nothing_of_it_happens(
    client: TestClient, parts: Parts, shells: list[Shell], author: dict[str, str], browser: Browser
) -> None:
    headers, approver = {"Authorization": author["Authorization"]}, browser("approver")
    token = plan(client, parts, headers)
    asked = client.post(ASKED, json={"plan": token}, headers=headers).json()
    assert asked["in_flight"] == "move", "as it was planned"
    page = approver.get(f"/approvals/tour/{asked['id']}").text
    assert ("Those under way go over to it" in page, "publish anyway" in page) == (True, True)
    asked = client.post(ASKED, json={"plan": token, "in_flight": "pin"}, headers=headers).json()
    page = approver.get(f"/approvals/tour/{asked['id']}").text
    assert "(<b>7</b>) stay on their version" in page
    assert ("are mailed as soon" in page, "publish anyway" in page, "go over" in page) == (False, False, False)
    pinned = client.post("/v1/journeys/tour/plan", json={"in_flight": "pin"}, headers=headers).json()["id"]
    counted(parts)
    other = client.post(ASKED, json={"plan": pinned, "in_flight": "move"}, headers=headers)
    assert (other.status_code, other.json()["path"]) == (422, "in_flight")
    assert client.post(ASKED, json={"plan": pinned}, headers=headers).json()["in_flight"] == "pin"


def test_a_draft_that_was_changed_since_is_asked_for_again(
    client: TestClient, asked: dict[str, Any], parts: Parts, author: dict[str, str]
) -> None:
    headers = {"Authorization": author["Authorization"]}
    longest = tour.JOURNEY.replace("3 days", "9 days")
    assert client.put("/v1/journeys/tour", content=longest, headers=headers).status_code == 200
    refused = client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]})
    assert (refused.status_code, refused.json()["path"]) == (409, "other_draft")
    stale = client.post(ASKED, json={"plan": asked["plan"]}, headers=headers)
    assert (stale.status_code, stale.json()["path"]) == (409, "other_draft")
    bare = client.post(ASKED, json={}, headers=headers)
    assert (bare.status_code, bare.json()["path"]) == (422, "plan")
    second = client.post(ASKED, json={"plan": plan(client, parts, headers)}, headers=headers).json()
    listed = client.get(ASKED).json()["items"]
    assert [(one["id"], one["status"], one["reason"]) for one in listed] == [
        (second["id"], "open", None), (asked["id"], "withdrawn", "asked anew"),
    ]  # fmt: skip
    token = plan(client, parts, headers)
    assert client.post("/v1/journeys/tour/publish", json={"token": token}).status_code == 200
    assert client.get(f"{ASKED}/{second['id']}").json()["status"] == "confirmed", "published by another way"


def test_a_no_has_a_reason_and_its_author_withdraws_without_one(
    client: TestClient, asked: dict[str, Any], parts: Parts, author: dict[str, str]
) -> None:
    headers = {"Authorization": author["Authorization"]}
    bare = client.post(f"{ASKED}/{asked['id']}/decline", json={"reason": "  "})
    assert (bare.status_code, bare.json()["path"]) == (422, "reason")
    no = client.post(f"{ASKED}/{asked['id']}/decline", json={"reason": "not before the holidays"}).json()
    assert (no["status"], no["reason"]) == ("declined", "not before the holidays")
    assert client.post(f"{ASKED}/{asked['id']}/decline", json={"reason": "no"}).status_code == 409
    second = client.post(ASKED, json={"plan": asked["plan"]}, headers=headers).json()
    own = client.post(f"{ASKED}/{second['id']}/decline", json={}, headers=headers).json()
    assert (own["status"], own["decided_by"]) == ("withdrawn", author["id"])
    assert on_record(client)[:4] == [
        "withdrew the approval of", "asked for approval of", "declined the approval of", "asked for approval of",
    ]  # fmt: skip
    assert client.get(f"{ASKED}/apr_nobody").status_code == 404
    assert client.get(f"/v1/journeys/other/approvals/{second['id']}").status_code == 404


def test_without_two_pairs_of_eyes_there_is_nobody_to_ask(client: TestClient, parts: Parts) -> None:
    app: Any = client.app
    app.state.backend = replace(app.state.backend, approval=False)
    tour.put(client, tour.JOURNEY)
    refused = client.post(ASKED, json={})
    assert (refused.status_code, refused.json()["path"]) == (409, "no_approval")


def test_a_confirmation_asks_the_database_little(
    client: TestClient, asked: dict[str, Any], parts: Parts, statements: Any
) -> None:
    with statements(parts.database, at_most=42):
        assert client.post(f"{ASKED}/{asked['id']}/confirm", json={"plan": asked["plan"]}).status_code == 200


# -- in the browser ----------------------------------------------------------------------------------------------------


def begun(author: TestClient) -> str:
    """A journey that was never published, and where its first publish is asked for."""
    answer = author.post("/journeys/new", data={"key": "tea", **form(author.get("/journeys/new").text)})
    assert answer.status_code == 303
    return planned(author, TEXT)


def test_an_author_asks_and_an_approver_finds_it_on_the_home_page(browser: Browser) -> None:
    author, approver = browser("marketer"), browser("approver")
    place = begun(author)
    page = author.get(place).text
    assert ("somebody else publishes it" in page, "Ask for approval" in page) == (True, True)
    asked = author.post(f"{place}/ask", data=form(page, note="<b>soon</b>")).headers["location"]
    assert "how far that is" in author.get(place).text
    own = author.get(asked).text
    assert ("An approver decides" in own, "Withdraw it" in own, "Approve and publish" in own) == (True, True, False)
    assert author.post(f"{asked}/confirm", data={"form_token": token(own)}).status_code == 403
    home = approver.get("/").text
    assert f'<a href="{asked}"><b>the draft of tea waits for an approver</b></a>' in home
    listed = approver.get("/approvals?status=open").text
    assert (f'href="{asked}"' in listed, "Marketer" in listed) == (True, True)
    page = approver.get(asked).text
    assert ("&lt;b&gt;soon&lt;/b&gt;" in page, "<b>soon" in page, "Approve and publish" in page) == (True, False, True)
    done = approver.post(f"{asked}/confirm", data={"form_token": token(page)})
    assert done.headers["location"] == "/journeys/tea/edit/published/1"
    told = author.get(asked).text
    assert ("Confirmed by" in told, "Approver" in told) == (True, True)
    assert "waits for an approver" not in approver.get("/").text


def test_a_decline_is_read_by_the_author(browser: Browser) -> None:
    author, approver, support = browser("marketer"), browser("approver"), browser("support")
    place = begun(author)
    asked = author.post(f"{place}/ask", data=form(author.get(place).text)).headers["location"]
    page = approver.get(asked).text
    bare = approver.post(f"{asked}/decline", data={"form_token": token(page)})
    assert (bare.status_code, "say why" in bare.text) == (409, True)
    no = approver.post(f"{asked}/decline", data={"form_token": token(page), "reason": "no consent yet"})
    assert no.headers["location"] == asked
    assert "no consent yet" in author.get(asked).text
    looks = support.get(asked)
    assert (looks.status_code, "Decline" in looks.text.partition("<main")[2].partition("facts")[0]) == (200, False)
    forbidden = support.post(f"{asked}/decline", data={"form_token": token(support.get("/account").text)})
    assert forbidden.status_code == 403
    assert "Ask for approval" in author.get(place).text, "it can be asked for again"


def test_a_plan_that_has_changed_is_shown_anew_and_then_confirmed(
    browser: Browser, asked: dict[str, Any], client: TestClient, parts: Parts, shells: list[Shell], clock: HandClock
) -> None:
    approver, place = browser("approver"), f"/approvals/tour/{asked['id']}"
    page = approver.get(place).text
    assert ("<b>7</b> are mailed as soon as they are moved" in page, "The whole plan" in page) == (True, True)
    client.post("/v1/track", json={"userId": "c3", "event": "Paid"})
    for one in shells:
        one.wake(parts.clock())
    said = {"form_token": token(page)}
    drifted = approver.post(f"{place}/confirm", data={**said, "plan": asked["plan"]})
    assert (drifted.status_code, "It is counted anew" in drifted.text) == (409, True)
    counted(parts)
    clock.forward(hours=1)
    assert "Count anew" in approver.get(place).text
    assert approver.post(f"{place}/count", data=said).headers["location"] == place
    counted(parts)
    page = approver.get(place).text
    assert "<b>6</b> are mailed as soon as they are moved" in page
    unseen = approver.post(f"{place}/confirm", data={**said, "plan": asked["plan"]})
    assert (unseen.status_code, "counted anew since you looked" in unseen.text) == (409, True)
    shown = re.search(r'name="plan" value="(\w+)"', page)
    assert shown is not None
    done = approver.post(f"{place}/confirm", data={**said, "plan": shown[1]})
    assert done.headers["location"] == "/journeys/tour/edit/published/2"
