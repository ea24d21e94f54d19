"""Versions say what they changed; two authors of a draft never write over each other unseen."""

from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from services.access.keys import api_keys
from tests.conftest import Statements
from waypost.client import Waypost
from waypost.wiring import Parts

JOURNEY = """journey: tour
enter: [{on: Signed Up}]
defaults: {topic: general}
start: trial
stages:
  trial:
    steps: [{send: mail_a}, {wait: 3 days}, {send: mail_b}]
    final: true
"""
LONGER = JOURNEY.replace("3 days", "5 days")
OTHER = JOURNEY.replace("{send: mail_b}", "{send: mail_c}")


@pytest.fixture
def second(parts: Parts) -> dict[str, str]:
    """The headers of another author."""
    with parts.database.writing() as session:
        key, text = api_keys.create(session, "second", ["marketer"], parts.clock())
        return {"Authorization": f"Bearer {text}", "X-Key": key.id}


def put(client: TestClient, text: str, headers: dict[str, str] | None = None, **params: Any) -> Any:
    return client.put("/v1/journeys/tour", content=text, headers=headers or {}, params=params)


def publish(client: TestClient, text: str) -> None:
    assert put(client, text).status_code == 200
    assert client.post("/v1/journeys/tour/publish").status_code == 200


def test_each_version_says_what_it_changed_and_who_did_it(client: TestClient, second: dict[str, str]) -> None:
    publish(client, JOURNEY)
    assert put(client, LONGER, second).status_code == 200
    assert client.post("/v1/journeys/tour/publish").status_code == 200
    assert client.post("/v1/journeys/tour/rollback", json={"version": 1}).status_code == 200
    found = client.get("/v1/journeys/tour/versions").json()["items"]
    assert {one["by"] for one in found} == {client.get("/v1/journeys/tour/versions/2").json()["by"]} == {"admin"}
    assert [(one["number"], one["summary"]) for one in found] == [
        (3, "Back to version 1."),
        (2, "In stage 'trial', the wait behind 'send mail a' is 5 days instead of 3 days."),
        (1, "The first version: 1 stage, 3 steps."),
    ]
    admin = found[0]["published_by"]
    assert [(one["drafted_by"], one["published_by"]) for one in found] == [
        (admin, admin), (second["X-Key"], admin), (admin, admin),
    ]  # fmt: skip
    assert client.get("/v1/journeys/tour/versions/2").json()["summary"] == found[1]["summary"]


def test_two_versions_side_by_side(client: TestClient) -> None:
    publish(client, JOURNEY)
    publish(client, LONGER)
    told = client.get("/v1/journeys/tour/versions/1...2").json()
    assert told["summary"] == "In stage 'trial', the wait behind 'send mail a' is 5 days instead of 3 days."
    assert told["changes"] == [
        {
            "kind": "step_retimed", "place": "trial/wait:5 days", "sentence": told["summary"],
            "before": "3 days", "after": "5 days",
        }
    ]  # fmt: skip
    assert (told["from"]["number"], told["to"]["number"]) == (1, 2)
    assert "-    - wait: 3 days\n+    - wait: 5 days" in told["text"]
    assert client.get("/v1/journeys/tour/versions/2...1").json()["changes"][0]["after"] == "3 days"


def test_the_draft_is_compared_as_well(client: TestClient) -> None:
    publish(client, JOURNEY)
    assert client.get("/v1/journeys/tour/versions/1...draft").json()["changes"] == []
    put(client, OTHER)
    told = client.get("/v1/journeys/tour/versions/1...draft").json()
    assert [one["kind"] for one in told["changes"]] == ["step_removed", "step_added"]
    assert (told["to"]["number"], told["to"]["published_by"]) == (None, None)


@pytest.mark.parametrize(("sides", "status"), [("1...9", 404), ("draft...live", 422), ("0...1", 422), ("1..2", 422)])
def test_what_is_no_version_is_refused(client: TestClient, sides: str, status: int) -> None:
    publish(client, JOURNEY)
    assert client.get(f"/v1/journeys/tour/versions/{sides}").status_code == status


def test_a_page_of_versions_is_told_by_a_few_statements(
    client: TestClient, parts: Parts, statements: Statements
) -> None:
    for days in range(1, 12):
        publish(client, JOURNEY.replace("3 days", f"{days} days"))
    with statements(parts.database, at_most=8) as asked:
        assert len(client.get("/v1/journeys/tour/versions?limit=9").json()["items"]) == 9
    assert len([one for one in asked if one.startswith("SELECT")]) == 6


# -- two authors -------------------------------------------------------------------------------------------------------


def test_a_second_author_is_shown_both_and_nothing_is_lost(client: TestClient, second: dict[str, str]) -> None:
    put(client, JOURNEY)
    first = put(client, LONGER).json()["journey"]
    assert first["revision"] == 2
    refused = put(client, OTHER, second)
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:waypost:problem:draft-conflict")
    told = refused.json()
    assert (told["stored"]["revision"], told["stored"]["drafted_by"]) == (2, first["drafted_by"])
    assert told["stored"]["definition"]["stages"]["trial"]["steps"][1] == {"wait": "5 days"}
    assert told["given"]["stages"]["trial"]["steps"][1] == {"wait": "3 days"}
    assert "'wait 5 days' is gone from stage 'trial'." in [one["message"] for one in told["problems"]]
    assert client.get("/v1/journeys/tour").json()["draft"] == first["draft"], "nothing was stored"
    taken = put(client, OTHER, second, based_on=2).json()["journey"]
    assert (taken["revision"], taken["based_on"], taken["drafted_by"]) == (3, 2, second["X-Key"])


def test_who_names_an_older_revision_is_told_even_of_their_own(client: TestClient) -> None:
    put(client, JOURNEY)
    put(client, LONGER)
    assert put(client, OTHER, based_on=1).status_code == 409
    assert put(client, OTHER, based_on=2).status_code == 200


def test_the_same_text_again_is_no_revision_and_has_the_same_author(client: TestClient, second: dict[str, str]) -> None:
    first = put(client, JOURNEY).json()["journey"]
    again = put(client, JOURNEY, second).json()["journey"]
    assert (again["revision"], again["drafted_by"]) == (1, first["drafted_by"])


def test_a_draft_that_was_published_is_kept_as_a_version_and_may_be_written_over(
    client: TestClient, second: dict[str, str]
) -> None:
    publish(client, JOURNEY)
    assert put(client, LONGER, second).status_code == 200


def test_who_has_shown_by_an_etag_what_they_saw_may_write(client: TestClient, second: dict[str, str]) -> None:
    put(client, JOURNEY)
    seen = client.get("/v1/journeys/tour").headers["ETag"]
    assert put(client, LONGER, {**second, "If-Match": "*"}).status_code == 409, "a star names nothing"
    assert put(client, LONGER, {**second, "If-Match": seen}).status_code == 200


# -- archived versions -------------------------------------------------------------------------------------------------


def test_a_version_is_archived_when_nobody_is_on_it_and_nobody_goes_back_to_it(client: TestClient) -> None:
    publish(client, JOURNEY)
    assert client.post("/v1/track", json={"userId": "17", "event": "Signed Up"}).status_code == 200
    archive = "/v1/journeys/tour/versions/1/archive"
    assert client.post(archive).json()["path"] == "live_version"
    publish(client, LONGER)
    refused = client.post(archive)
    assert (refused.status_code, refused.json()["path"]) == (409, "under_way")
    assert refused.json()["detail"] == "1 customer is under way on version 1; move them to another one first"
    publish(client, OTHER)
    assert client.post("/v1/journeys/tour/versions/2/archive").json()["archived_at"] is not None
    for call, body in (("rollback", {"version": 2}), ("plan", {"version": 2})):
        back = client.post(f"/v1/journeys/tour/{call}", json=body)
        assert (back.status_code, back.json()["path"]) == (409, "archived_version")
    assert client.post("/v1/journeys/tour/versions/2/archive").status_code == 409, "archived already"


@pytest.fixture
def waypost(client: TestClient, keys: dict[str, str]) -> Iterator[Waypost]:
    with Waypost("http://testserver", keys["admin"], transport=client._transport) as made:
        yield made


def test_the_client_names_what_it_was_based_on(waypost: Waypost) -> None:
    revision = waypost.put_journey("tour", JOURNEY)["journey"]["revision"]
    assert waypost.put_journey("tour", LONGER, based_on=revision)["journey"]["based_on"] == revision
    waypost.publish("tour")
    waypost.put_journey("tour", OTHER)
    assert [one["kind"] for one in waypost.diff("tour", 1, "draft")["changes"]] == [
        "step_removed", "step_removed", "step_added", "step_added",
    ]  # fmt: skip
    assert [one["number"] for one in waypost.versions("tour")] == [1]
