"""Who may call what: a table over every call of the OpenAPI document, and each key smaller than a call needs is refused."""

from datetime import timedelta
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.edge import ingestion_paths
from services.access.keys import api_keys
from store.tables.customers import Customer
from tests.conftest import HandClock
from waypost.wiring import Parts

ADMIN = {
    "DELETE /v1/customers/{id}", "GET /v1/customers/{id}/export", "POST /v1/reports/reconciliation/repair",
    "PUT /v1/settings", "POST /v1/lanes/hold", "POST /v1/lanes/release", "POST /v1/dispatches/{id}/retry",
    "POST /v1/dispatches/{id}/cancel", "POST /v1/keys", "GET /v1/keys", "PUT /v1/keys/{id}/origins",
    "DELETE /v1/keys/{id}", "GET /v1/audit", "POST /v1/users", "GET /v1/users", "GET /v1/users/{id}",
    "PATCH /v1/users/{id}", "POST /v1/users/{id}/disable", "POST /v1/users/{id}/enable", "GET /v1/users/{id}/sessions",
    "DELETE /v1/users/{id}/sessions/{session_id}", "GET /v1/export/events", "GET /v1/export/messages",
    "GET /v1/export/decisions",
}  # fmt: skip
"""What cannot be undone, what holds for everybody, who may call."""

SUPPORT = {
    "POST /v1/enrollments/{id}/move", "POST /v1/enrollments/{id}/retry", "POST /v1/enrollments/{id}/{control}",
    "POST /v1/templates/{key}/preview",
    "POST /v1/segments/preview", "POST /v1/reports/reconciliation/check", "POST /v1/reports/funnel",
    "POST /v1/reports/cohorts", "POST /v1/reports/lifecycle", "POST /v1/reports/lift",
}  # fmt: skip
"""What whoever helps one customer may do beside reading; everything else that changes something is a marketer's."""

OPEN = {
    "GET /schemas/journey.json", "GET /healthz", "GET /readyz", "POST /webhooks/{provider}", "GET /s/{token}",
    "GET /hand-over/{token}", "POST /hand-over/{token}", "POST /s/{token}", "GET /u/{token}", "POST /u/{token}", "GET /preferences/{token}", "POST /preferences/{token}",
    "GET /confirm/{token}", "POST /confirm/{token}", "GET /c/{token}", "GET /o/{token}", "HEAD /c/{token}",
    "HEAD /o/{token}",
}  # fmt: skip
"""What asks for no key: signed links, signed reports, whether it is alive."""

OWN_DOOR = {"GET /metrics", "GET /sourceConfig", "GET /v1/projects/{key}/settings"}
"""A sign-in, or a key in the path (`test_doors`, `test_cross_origin`)."""

LADDER = ("browser", "ingest", "support", "marketer", "approver", "admin")
"""Each may what those before it may, but that who sends events reads nothing, and who reads sends no events."""


def calls(client: TestClient) -> list[str]:
    document = client.get("/openapi.json").json()
    return [f"{method.upper()} {path}" for path, item in document["paths"].items() for method in item]


def allowed(call: str) -> tuple[str, ...]:
    """The scopes that may make a call."""
    method, path = call.split(" ")
    if path in ingestion_paths.PATHS:
        return ("browser", "ingest", "marketer", "approver", "admin")
    if call in ADMIN:
        return ("admin",)
    return LADDER[2:] if method == "GET" or call in SUPPORT else LADDER[3:]


def test_every_call_is_in_the_table_or_open_to_all(client: TestClient) -> None:
    there = set(calls(client))
    assert (ADMIN | SUPPORT) - there == set()
    assert {call for call in there if " /v1/" not in call} - {*_ingestion(there)} <= OPEN | OWN_DOOR


def _ingestion(there: set[str]) -> set[str]:
    return {call for call in there if call.split(" ")[1] in ingestion_paths.PATHS}


@pytest.mark.parametrize("scope", LADDER[1:])
def test_a_key_may_what_its_scope_may_and_nothing_else(client: TestClient, keys: dict[str, str], scope: str) -> None:
    wrong: list[tuple[str, int]] = []
    for call in calls(client):
        if call in OPEN | OWN_DOOR or _ingestion({call}):
            continue
        method, path = call.split(" ")
        if path.endswith("/watch"):  # it answers for as long as the operation lives
            path = path.replace("{id}", "op_nobody")
        answer = client.request(method, path, headers={"Authorization": f"Bearer {keys[scope]}"}, json={"x": 1})
        if (answer.status_code == 403) == (scope in allowed(call)) or answer.status_code == 401:
            wrong.append((call, answer.status_code))
    assert wrong == []


HOLDS_NOT = ("none", "unknown", "expired", "revoked")
"""What somebody shows who has no key that holds."""

TOGETHER = 10
"""Calls from one address: whoever shows twenty wrong keys waits (`test_keys`)."""


LOOKED = {"userId": "ann", "event": "Looked"}


@pytest.fixture
def shown(parts: Parts, clock: HandClock) -> dict[str, dict[str, str]]:
    """Headers of whoever shows such a key; each had the whole scope."""
    with parts.database.writing() as session:
        ends = clock() + timedelta(minutes=1)
        expired = api_keys.create(session, "brief", ["admin"], clock(), expires_at=ends)[1]
        key, revoked = api_keys.create(session, "gone", ["admin"], clock())
        api_keys.revoke(session, key.id, clock())
    clock.forward(minutes=2)
    held = {"unknown": "wp_" + "x" * 43, "expired": expired, "revoked": revoked}
    return {"none": {}, **{how: {"Authorization": f"Bearer {key}"} for how, key in held.items()}}


@pytest.mark.parametrize("how", HOLDS_NOT)
def test_no_call_is_answered_without_a_key_that_holds(
    parts: Parts, client: TestClient, shown: dict[str, dict[str, str]], how: str
) -> None:
    wrong: list[tuple[str, int]] = []
    for number, call in enumerate(sorted({*calls(client)} - OPEN - OWN_DOOR)):
        visitor = TestClient(client.app, client=(f"192.0.2.{number // TOGETHER}", 50_000), base_url=client.base_url)
        method, path = call.split(" ")
        body = {"batch": [{"type": "track", **LOOKED}]} if path in ingestion_paths.BATCHES else LOOKED
        answer = visitor.request(method, path, headers=shown[how], json=body)
        if answer.status_code != 401:
            wrong.append((call, answer.status_code))
    assert wrong == []
    with parts.database.reading() as session:
        assert session.exec(select(Customer)).all() == [], "nothing was done"


@pytest.mark.parametrize("name", ["X\r\nBcc: eve@example.com", "X\nSet-Cookie: a=b", "X\x00Y"])
def test_no_value_of_a_caller_becomes_a_header_of_the_answer(client: TestClient, name: str) -> None:
    """Neither the cursor of a list, nor an id, nor the address of a suppression."""
    for answer in (
        client.get("/v1/journeys", params={"cursor": name}),
        client.get("/v1/customers/{}".format(quote(name, safe=""))),
        client.put("/v1/suppressions/{}".format(quote(f"{name}@example.com", safe="")), json={}),
    ):
        assert answer.status_code < 500, answer.text
        assert not {"bcc", "set-cookie"} & {header.lower() for header in answer.headers}
