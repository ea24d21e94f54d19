"""No input makes a 500: odd numbers, characters and instants, wherever they can be put."""

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from fastapi.testclient import TestClient

from waypost.wiring import Parts

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
    "journey: j\nstart: a\nstages: {a: {steps: [{set: {x: " + "9" * 5_000 + "}}]}}",
    "journey: j\nstart: a\nstages: {a: {steps: [{set: {x: 0x" + "F" * 5_000 + "}}]}}",
    '{"journey": "j", "start": "a", "stages": {"a": {"steps": [{"set": {"x": ' + "9" * 5_000 + "}}]}}}",
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


NUMBER = "9" * 5_000
TOO_LONG = "the body holds a number with more digits than can be read"
BODIES = {
    "/v1/segments/odd": '{"guard": VALUE}',
    "/v1/customers/17": '{"attributes": {"a": VALUE}}',
    "/v1/settings": '{"zone": VALUE}',
}


@pytest.mark.parametrize(("path", "body"), BODIES.items(), ids=BODIES)
@pytest.mark.parametrize(
    ("value", "detail"),
    [(NUMBER, TOO_LONG), ("-" + NUMBER, TOO_LONG), ("[" * 20_000 + "]" * 20_000, "the body nests too deep")],
    ids=["long", "negative", "deep"],
)
def test_a_body_that_cannot_be_read_is_refused(
    client: TestClient, path: str, body: str, value: str, detail: str
) -> None:
    content = body.replace("VALUE", value).encode()
    answer = client.put(path, content=content, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["detail"]) == (422, detail)


@pytest.mark.parametrize("text", TEXTS[-6:-3])
def test_a_definition_with_a_number_of_thousands_of_digits_is_refused(client: TestClient, text: str) -> None:
    answer = client.put("/v1/journeys/j", content=text.encode())
    assert (answer.status_code, answer.json()["problems"][0]["message"]) == (422, "the number has more than 64 bits")


def test_one_event_with_such_a_number_is_refused_alone(client: TestClient) -> None:
    events = [f'{{"type": "track", "userId": "1", "event": "E", "properties": {{"n": {n}}}}}' for n in (1, NUMBER, 3)]
    content = f'{{"batch": [{", ".join(events)}]}}'.encode()
    answer = client.post("/v1/batch", content=content, headers={"content-type": "application/json"}).json()
    assert answer["accepted"] == 2
    assert answer["rejected"] == [{"index": 1, "path": "properties.n", "reason": "must be a finite number"}]


def test_a_draft_is_read_before_its_transaction_begins(client: TestClient, parts: Parts) -> None:
    """An invalid one is refused while somebody else writes."""
    with ThreadPoolExecutor(1) as pool, parts.database.writing():
        answer = pool.submit(client.put, "/v1/journeys/j", content=b"journey: j\nstart: nowhere\nstages: {a: {}}")
        assert answer.result(timeout=25).status_code == 422


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


@pytest.mark.parametrize(
    "wrong", ["ann", "ann@", "@example.com", "ann example.com", "a@b@c.de", 17, ["ann@example.com"], ""]
)
def test_an_address_that_is_none_is_told_at_put(client: TestClient, wrong: Any) -> None:
    answer = client.put("/v1/customers/ann", json={"attributes": {"email": wrong}})
    assert (answer.status_code, answer.json()["path"]) == (422, "attributes.email")
    assert "is no email address" in answer.json()["detail"]
    assert client.get("/v1/customers/ann").status_code == 404, "nothing was stored"
    for well in ("Ann.Example@Example.com", " ann@example.com ", "ann@müller.example", None):
        assert client.put("/v1/customers/ann", json={"attributes": {"email": well}}).status_code == 200, well
