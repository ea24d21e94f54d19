"""The language over the API: its schema, the map, segments, simulations."""

from typing import Any
from xml.etree import ElementTree

import pytest
from fastapi.testclient import TestClient

from journeys.language.handbook import json_schema


def test_the_schema_is_published_without_a_key(client: TestClient) -> None:
    answer = client.get("/schemas/journey.json", headers={"Authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "application/schema+json")
    assert answer.json() == json_schema()


@pytest.mark.usefixtures("welcome")
def test_a_map_is_a_picture(client: TestClient) -> None:
    answer = client.get("/v1/journeys/welcome/map", params={"counts": True, "theme": "dark"})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/svg+xml")
    assert ElementTree.fromstring(answer.text).tag.endswith("svg")
    assert "mail a" in answer.text
    assert client.get("/v1/journeys/nowhere/map").status_code == 404
    assert client.get("/v1/journeys/welcome/map", params={"version": 7}).status_code == 404


@pytest.mark.usefixtures("welcome")
def test_a_map_shows_where_somebody_stands(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}})
    enrollment = client.post("/v1/journeys/welcome/enrollments", json={"customer": "ann"}).json()
    text = client.get("/v1/journeys/welcome/map", params={"enrollment": enrollment["id"]}).text
    assert "you are here" in text


def test_a_segment_is_made_changed_and_removed(client: TestClient) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"plan": "team"}})
    made = client.put("/v1/segments/team", json={"guard": "customer.plan == 'team'", "name": "Teams"})
    assert (made.status_code, made.json()["guard"]) == (200, "customer.plan == 'team'")
    client.put("/v1/customers/bob", json={"attributes": {"plan": "team"}})
    members = client.get("/v1/segments/team/members").json()["items"]
    assert len(members) == 1, "bob changed since; ann is looked at in the background"
    assert client.get("/v1/customers/bob").json()["customer"]["segments"] == ["team"]
    found = client.get("/v1/customers", params={"segment": "team"}).json()["items"]
    assert [one["external_id"] for one in found] == ["bob"]
    wrong = client.put("/v1/segments/team", json={"guard": "custmer.plan"})
    assert (wrong.status_code, wrong.json()["path"]) == (422, "guard")
    assert client.get("/v1/segments/team").json()["name"] == "Teams"
    assert client.delete("/v1/segments/team").status_code == 204
    assert client.get("/v1/segments/team").status_code == 404
    assert client.get("/v1/segments").json()["items"] == []


def test_validation_knows_what_was_seen_here(client: TestClient) -> None:
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    text = "journey: j\nenter: [{on: Signed Upp}, {segment: vip}]\nstart: a\nstages: {a: {final: true}}"
    found: list[dict[str, Any]] = client.post("/v1/journeys/validate", content=text).json()["problems"]
    assert [(one["code"], one["severity"]) for one in found] == [
        ("unknown_segment", "error"),
        ("unknown_event", "warning"),
    ]
    assert found[1]["expected"] == "'Signed Up', the nearest name"


@pytest.mark.usefixtures("welcome")
def test_a_simulation_is_asked_for_watched_and_cancelled(client: TestClient) -> None:
    asked = client.post("/v1/journeys/welcome/simulate", json={"until": "2026-12-31T00:00:00Z"})
    assert (asked.status_code, asked.json()["status"]) == (202, "queued")
    operation = asked.json()["id"]
    assert client.get(f"/v1/operations/{operation}").json()["kind"] == "simulate"
    assert client.get("/v1/operations").json()["items"][0]["id"] == operation
    assert client.post(f"/v1/operations/{operation}/cancel").status_code == 200
    assert client.post("/v1/journeys/nowhere/simulate").status_code == 404
    assert client.post("/v1/journeys/welcome/simulate", json={"until": "soon"}).status_code == 422
    assert client.get("/v1/operations/op_unknown").status_code == 404


@pytest.mark.usefixtures("welcome")
def test_one_journey_is_the_lifecycle(client: TestClient) -> None:
    text = "journey: other\nlifecycle: true\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{send: {template: mail_a, topic: t}}], final: true}}"
    refused = client.put("/v1/journeys/other", content=text)
    assert (refused.status_code, [(one["code"], one["path"]) for one in refused.json()["problems"]]) == (
        422,
        [("second_lifecycle", "lifecycle")],
    )
    assert "'welcome' is the lifecycle already" in refused.json()["problems"][0]["message"]
    again = client.put("/v1/journeys/welcome", content=text.replace("journey: other", "journey: welcome"))
    assert again.status_code == 200, "the lifecycle itself may change"
    client.post("/v1/journeys/welcome/archive")
    assert client.put("/v1/journeys/other", content=text).status_code == 200
    assert client.post("/v1/journeys/other/publish").status_code == 200
    assert client.post("/v1/journeys/welcome/publish").status_code == 422, "two published at once are refused, too"
    assert client.get("/v1/reports/lifecycle").json()["journey"] == "other"


# -- one made-up customer ----------------------------------------------------------------------------------------------

TRIAL = """
journey: trial
enter: [{on: Signed Up}]
defaults: {topic: news}
start: new
stages:
  new:
    steps:
      - branch: [{if: 'customer.plan == "team"', then: [{send: mail_a}]}, {else: [{send: mail_b}]}]
      - split: {id: tip, variants: {short: {weight: 1, steps: [{send: mail_a}]}, long: {weight: 1, steps: [{send: mail_b}]}}}
      - wait: 9 days
    transitions: [{on: Paid, when: event.properties.total > 10, to: paying}]
  paying: {steps: [{wait: 1 day}]}
"""


def test_a_made_up_customer_goes_through_a_draft_and_each_guard_shows_what_it_saw(client: TestClient) -> None:
    assert client.put("/v1/journeys/trial", content=TRIAL).status_code == 200
    customer = {
        "attributes": {"plan": "team", "email": "ann@example.com"},
        "events": [{"name": "Paid", "after": "3 days", "properties": {"total": 20}}],
        "variants": {"tip": "long"},
        "start": "2026-03-02T09:00:00Z",
        "days": 30,
    }
    answer = client.post("/v1/journeys/trial/simulate", json={"customer": customer})
    assert answer.status_code == 200, answer.text
    (run,) = answer.json()["enrollments"]
    assert (run["entered_by"], run["status"], run["stage"]) == ("Signed Up", "live", "paying")
    mails = [one["detail"]["template"] for one in run["path"] if one["what"] == "sent"]
    assert mails == ["mail_a", "mail_b"]
    asked = [guard for one in run["path"] if one["what"] == "asked" for guard in one["detail"]["guards"]]
    assert [(one["guard"], one["holds"], one["seen"]) for one in asked] == [
        ('customer.plan == "team"', True, {"customer.plan": "team"}),
        ("event.properties.total > 10", True, {"event.properties.total": 20}),
    ]
    assert [one["at"] for one in run["path"] if one["what"] == "moved"] == ["2026-03-05T09:00:00Z"]
    assert client.get("/v1/customers").json()["items"] == [], "nobody was made"


@pytest.mark.parametrize(
    ("wrong", "path", "told"),
    [
        ({"variants": {"tp": "long"}}, "variants", "the journey has no split 'tp'; it has tip"),
        ({"variants": {"tip": "lng"}}, "variants.tip", "the split 'tip' has no variant 'lng'; it has short, long"),
        ({"events": [{"name": "Paid", "after": "soon"}]}, "events", "soon"),
        ({"start": "yesterday"}, "start", "must be an ISO 8601 instant"),
    ],
)
def test_a_made_up_customer_who_cannot_be_is_told_so(client: TestClient, wrong: Any, path: str, told: str) -> None:
    client.put("/v1/journeys/trial", content=TRIAL)
    answer = client.post("/v1/journeys/trial/simulate", json={"customer": wrong})
    assert (answer.status_code, answer.json()["path"]) == (422, path)
    assert told in answer.json()["detail"]


def test_validation_knows_the_topics_and_attributes_of_this_installation(client: TestClient) -> None:
    text = "journey: j\nenter: [{on: Go, when: customer.plann == 'x'}]\ndefaults: {topic: nws}\nstart: a\nstages: {a: {steps: [{send: mail_a}], final: true}}"

    def codes() -> list[str]:
        told = client.post("/v1/journeys/validate", content=text).json()["problems"]
        return [one["code"] for one in told if one["code"] in ("unknown_topic", "unknown_attribute")]

    assert codes() == [], "before there are any, every name is as good as another"
    client.put("/v1/topics/news", json={})
    client.put("/v1/customers/ann", json={"attributes": {"plan": "x"}})
    assert codes() == ["unknown_topic", "unknown_attribute"]
