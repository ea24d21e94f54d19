"""Bad input over the API: a clear refusal, nothing stored by half, nobody else affected (faults 21, 22, 28, 32)."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import func, select

from store.tables.customers import Customer, Event
from store.tables.definitions import Journey
from waypost.wiring import Parts


def count(parts: Parts, table: Any) -> int:
    with parts.database.reading() as session:
        return session.exec(select(func.count()).select_from(table)).one()


# -- 21: large, deep, and what no database takes -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "properties",
    ['"' + "x" * 1_000_000 + '"', "[" * 30 + "]" * 30, '{"a": "b\\u0000c"}', '{"a": "\\ud800"}', '{"a": NaN}', "1e999"],
    ids=["a megabyte", "deep", "NUL", "half a surrogate", "NaN", "infinite"],
)
def test_a_bad_event_is_refused_and_its_neighbours_are_taken(client: TestClient, parts: Parts, properties: str) -> None:
    good = '{"type": "track", "userId": "a", "event": "E"}'
    bad = f'{{"type": "track", "userId": "a", "event": "E", "properties": {{"x": {properties}}}}}'
    answer = client.post("/v1/batch", content=f'{{"batch": [{good}, {bad}, {good}]}}'.encode())
    if len(properties) > 500_000:
        assert (answer.status_code, count(parts, Event)) == (400, 0)
    else:
        assert (answer.status_code, answer.json()["accepted"], count(parts, Event)) == (200, 2, 2)
        assert answer.json()["rejected"][0]["path"].startswith("properties.x")


@pytest.mark.parametrize("value", ["a\0b", "\ud800", {"a": [{}] * 3}, "x" * 40_000])
def test_an_attribute_that_cannot_be_kept_is_refused(client: TestClient, parts: Parts, value: Any) -> None:
    body = json.dumps({"attributes": {"x": value}}).encode()
    answer = client.put("/v1/customers/ann", content=body, headers={"content-type": "application/json"})
    wrong = isinstance(value, str)
    assert answer.status_code == (422 if wrong else 200)
    assert count(parts, Customer) == (0 if wrong else 1)


# -- 22: who people are ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "name",
    ["Zoë 🎉", "مريم", "\u202eevil", "李小龍", "O'Brien; DROP TABLE", "a" * 300, "<script>", "{{ 7 * 7 }}"],
)
def test_any_name_is_a_name(client: TestClient, name: str) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"first_name": name, "email": "ann@exämple.de"}})
    shown = client.get("/v1/customers/ann").json()["customer"]
    assert (shown["attributes"]["first_name"], shown["email"]) == (name, "ann@exämple.de")
    html = "{% extends '_layout.html' %}{% block body %}{{ customer.first_name }}{% endblock %}"
    client.put("/v1/templates/t", json={"subject": "{{ customer.first_name }}", "html": html})
    mail = client.post("/v1/templates/t/preview", json={"customer": "ann"}).json()
    assert mail["subject"] == name
    assert "<script>" not in mail["html"]
    assert "49" not in mail["subject"], "what a customer is called is no template"


def test_an_address_that_cannot_be_written_to_is_told_at_once(client: TestClient) -> None:
    for email in ("x" * 65 + "@example.com", "no address", "a@b@c.de"):
        answer = client.put("/v1/customers/ann", json={"attributes": {"email": email}})
        assert answer.status_code == 422
        assert "email" in answer.json()["path"]


# -- 28: journeys that cannot be -----------------------------------------------------------------------------------------

STEPS = "journey: j\nenter: [{{on: E}}]\nstart: a\nstages: {{a: {{steps: {}}}}}"
JOURNEYS = {
    "a loop without a wait": "journey: j\nenter: [{on: E}]\nstart: a\nstages: {a: {steps: [{go: b}]}, b: {steps: [{go: a}]}}",
    "ten thousand steps": STEPS.format("[" + ", ".join(["{wait: 1 day}"] * 10_000) + "]"),
    "a stage named twice": "journey: j\nstart: a\nstages:\n  a: {}\n  a: {}\n",
    "an unknown verb": STEPS.format("[{sned: x}]"),
    "a weight of -1": STEPS.format("[{split: {id: s, variants: {x: {weight: -1}, y: {weight: 1}}}}]"),
    "weights of nothing": STEPS.format("[{split: {id: s, variants: {x: {weight: 0}, y: {weight: 0}}}}]"),
    "a way to nowhere": "journey: j\nenter: [{on: E}]\nstart: a\nstages: {a: {transitions: [{on: F, to: gone}]}}",
    "three moons": STEPS.format("[{wait: 3 moons}]"),
    "a guard of 100 KB": STEPS.format("[{branch: [{if: '" + "true && " * 12_500 + "true', then: []}]}]"),
}


@pytest.mark.parametrize("name", JOURNEYS)
def test_a_journey_that_cannot_be_is_refused_with_every_problem(client: TestClient, parts: Parts, name: str) -> None:
    answer = client.put("/v1/journeys/j", content=JOURNEYS[name].encode())
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:waypost:problem:invalid-journey"), answer.text[
        :300
    ]
    first = answer.json()["problems"][0]
    assert first["message"]
    assert "path" in first
    assert count(parts, Journey) == 0


# -- 32: keys ----------------------------------------------------------------------------------------------------------


def test_a_key_that_was_revoked_or_is_unknown_opens_nothing(client: TestClient, keys: dict[str, str]) -> None:
    found = {one["name"]: one["id"] for one in client.get("/v1/keys").json()["items"]}
    client.delete(f"/v1/keys/{found['support']}")
    for key in (keys["support"], keys["admin"][:-1], keys["admin"].lower(), "", "wp_" + "x" * 43, "\u0430dmin"):
        try:
            answer = client.get("/v1/segments", headers={"Authorization": f"Bearer {key}"})
        except UnicodeEncodeError:
            continue
        assert answer.status_code == 401
        assert answer.headers["www-authenticate"] == "Bearer"
