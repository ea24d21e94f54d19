"""No input makes a 500: odd numbers, characters and instants, wherever they can be put."""

import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

ODD = [str(10**30), "-1", "0", "x", "%00", "1.5", "9223372036854775808", "%F0%28%8C%28", "a%2Fb"]
PATHS = [
    "/v1/journeys/welcome/map?version={}",
    "/v1/journeys/welcome/map?enrollment={}",
    "/v1/journeys/welcome/versions/{}",
    "/v1/journeys/{}",
    "/v1/operations?limit={}",
    "/v1/operations?cursor={}",
    "/v1/operations/{}",
    "/v1/segments/{}",
    "/v1/segments/{}/members",
    "/v1/customers?segment={}",
    "/v1/customers?query={}",
    "/v1/customers/{}/timeline",
    "/v1/enrollments/{}/forecast",
    "/v1/enrollments?cursor={}",
    "/v1/messages?customer={}",
]
TEXTS = [
    'journey: j\nstart: a\nname: "a\\0b"\nstages: {a: {}}',
    "journey: j\nstart: a\nstages: {a: {steps: [{set: {x: .nan}}]}}",
    '{"journey": "j", "start": "a", "stages": {"a": {"steps": [{"set": {"x": NaN}}]}}}',
    '{"journey": "j", "start": "a", "name": "\\ud800", "stages": {"a": {}}}',
    '{"journey": "j", "start": "a", "\\u0000": 1, "stages": {"a": {}}}',
    "journey: j\nstart: a\nstages: {a: {steps: [{wait: {until: customer.x, offset: -99999999 days}}]}}",
    "journey: j\nstart: a\ntimezone: ../../etc\nstages: {a: {}}",
    "? [a]\n: b",
    "&a [*a]",
    'journey: j\nstart: a\nstages: {a: {steps: [{webhook: "http://[::1"}]}}',
    "journey: j\nstart: a\nstages: {a: {steps: [{set: {x: 99999999999999999999999999999}}]}}",
    "",
    "null",
    "\t",
]


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize("path", PATHS)
def test_an_odd_value_in_an_address_is_answered(client: TestClient, path: str) -> None:
    answers = {value: client.get(path.format(value)).status_code for value in ODD}
    assert all(status < 500 for status in answers.values()), answers


@pytest.mark.parametrize("text", TEXTS)
def test_an_odd_definition_is_answered(client: TestClient, text: str) -> None:
    content = text.encode()
    answers = [
        client.post("/v1/journeys/validate", content=content),
        client.put("/v1/journeys/j", content=content),
        client.post("/v1/journeys/j/publish"),
        client.get("/v1/journeys/j/map"),
    ]
    assert all(one.status_code < 500 for one in answers), [one.text for one in answers]


@pytest.mark.parametrize(
    "body",
    [
        {"guard": "\0"},
        {"guard": "customer.x", "name": "a\0b"},
        {"guard": "true", "name": "\ud800"},
        {"guard": "'\ud800' == 'x'"},
        {"guard": "x" * 5_000},
        {"guard": 5},
        {},
    ],
)
def test_an_odd_segment_is_refused(client: TestClient, body: dict[str, Any]) -> None:
    answer = client.put(
        "/v1/segments/odd", content=json.dumps(body).encode(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 422


@pytest.mark.usefixtures("welcome")
@pytest.mark.parametrize("instant", ["9999-12-31T23:59:59+00:00", "0001-01-01", "2026-13-01", "\0", "1990-01-01", ""])
def test_an_odd_time_to_simulate_is_answered(client: TestClient, instant: str) -> None:
    answer = client.post("/v1/journeys/welcome/simulate", json={"from": instant, "until": instant})
    assert answer.status_code in (202, 422)
