"""Hooks and dispatch rows that are set aside: listed, tried again, given up; and what is said of a database that fails."""

from datetime import datetime
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select

from services.definitions import journeys
from store import bulk
from store.queries import dispatches, pulses
from store.queries.dispatches import Priority
from store.statuses import DispatchStatus, HookStatus
from store.tables.access import Audit
from store.tables.enrollments import Decision, Dispatch, Hook
from waypost.wiring import Parts


@pytest.fixture
def stuck(parts: Parts, welcome: Any, noon: datetime) -> str:
    """A hook that is stuck."""
    with parts.database.writing() as session:
        hook = Hook(
            id="h1", kind="webhook", enrollment_id="e1", customer_id="c1", journey="welcome", digest="d", stage="new",
            step="new/webhook:x", visit=1, status=HookStatus.STUCK, attempts=9, answer=503, not_before=noon,
            created_at=noon, updated_at=noon,
        )  # fmt: skip
        session.add(hook)
    return "h1"


def test_hooks_are_listed_with_their_answers(client: TestClient, stuck: str) -> None:
    (one,) = client.get("/v1/hooks", params={"status": "stuck", "journey": "welcome"}).json()["items"]
    assert (one["id"], one["status"], one["attempts"], one["answer"]) == (stuck, "stuck", 9, 503)
    assert client.get("/v1/hooks", params={"status": "planned"}).json()["items"] == []
    assert client.get(f"/v1/hooks/{stuck}").json() == one
    assert client.get("/v1/hooks/nobody").status_code == 404


def test_a_stuck_hook_is_tried_again_or_given_up_on_record(client: TestClient, stuck: str, parts: Parts) -> None:
    retried = client.post(f"/v1/hooks/{stuck}/retry").json()
    assert (retried["status"], retried["attempts"]) == ("planned", 0)
    assert client.post(f"/v1/hooks/{stuck}/retry").status_code == 409
    assert client.post(f"/v1/hooks/{stuck}/cancel").json()["status"] == "cancelled"
    assert client.post(f"/v1/hooks/{stuck}/cancel").status_code == 409
    with parts.database.reading() as session:
        audits = session.exec(select(Audit).where(Audit.kind == "hook")).all()
        assert [(one.action, one.before["status"], one.after["status"]) for one in audits if one.before and one.after] == [
            ("retried", "stuck", "planned"), ("cancelled", "planned", "cancelled"),
        ]  # fmt: skip
        assert [one.what for one in session.exec(select(Decision)).all()] == ["hook_cancelled"]


def test_a_stuck_dispatch_row_is_listed_retried_and_cancelled(
    client: TestClient, parts: Parts, noon: datetime, keys: dict[str, str]
) -> None:
    with parts.database.writing() as session:
        rows = [dispatches.row(f"e{one}", f"w{one}", "start", {}, Priority.START, noon) for one in range(2)]
        bulk.add(session, Dispatch, rows)
        for one in session.exec(select(Dispatch)).all():
            one.status, one.error = DispatchStatus.STUCK, "KeyError: 'digest'"
    first, second = client.get("/v1/dispatches", params={"status": "stuck"}).json()["items"]
    assert first["error"] == "KeyError: 'digest'"
    assert client.post(f"/v1/dispatches/{first['id']}/retry").json()["status"] == "ready"
    assert client.post(f"/v1/dispatches/{first['id']}/retry").status_code == 409
    assert client.post(f"/v1/dispatches/{second['id']}/cancel").json()["status"] == "stuck"
    assert client.post(f"/v1/dispatches/{second['id']}/cancel").status_code == 404
    assert [one["id"] for one in client.get("/v1/dispatches").json()["items"]] == [first["id"]]
    support = {"Authorization": f"Bearer {keys['support']}"}
    assert client.post(f"/v1/dispatches/{first['id']}/retry", headers=support).status_code == 403


def test_readiness_names_the_part_that_does_no_work(client: TestClient, parts: Parts, clock: Any) -> None:
    with parts.database.writing() as session:
        pulses.beat(session, dict.fromkeys(["dispatcher/live", "lane/journey"], clock()))
    found = {one["part"]: one for one in client.get("/readyz").json()["parts"]}
    assert {name for name, one in found.items() if one["works"]} == {"dispatcher/live", "lane/journey"}
    assert found["scheduler"]["last_round"] is None
    clock.forward(seconds=11)
    found = {one["part"]: one for one in client.get("/readyz").json()["parts"]}
    assert (found["lane/journey"]["works"], found["lane/journey"]["last_round"]) == (False, 11.0)


class Full(Exception):
    sqlite_errorname = "SQLITE_FULL"


class Gone(Exception):
    sqlstate = "57P01"


class Wrong(Exception):
    sqlstate = "42P01"


@pytest.mark.parametrize(
    ("original", "status", "type"), [(Full(), 507, "disk-full"), (Gone(), 503, "database-unavailable"), (Wrong(), 500, None)]
)  # fmt: skip
def test_a_database_that_fails_is_told_as_what_it_is(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, original: Exception, status: int, type: str | None
) -> None:
    def fails(session: Session, *_: Any, **__: Any) -> None:
        raise OperationalError("INSERT", {}, original)

    monkeypatch.setattr(journeys, "put_draft", fails)
    text = "journey: welcome\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {final: true}}"
    answer = client.put("/v1/journeys/welcome", content=text)
    assert answer.status_code == status
    if type is not None:
        assert answer.json()["type"] == f"urn:waypost:problem:{type}"
        assert ("Retry-After" in answer.headers) == (status == 503)
