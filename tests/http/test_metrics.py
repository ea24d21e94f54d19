"""What operators watch: requests by route, and what waits in the database; nothing personal."""

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from services.enrollments.waking import wake
from store.tables.enrollments import Enrollment
from store.tables.messages import Channel
from waypost.wiring import Parts


def numbers(client: TestClient) -> dict[str, float]:
    lines = client.get("/metrics").text.splitlines()
    return {
        name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))
    }


def test_a_request_is_counted_by_its_route_and_not_by_whom_it_is_about(client: TestClient) -> None:
    client.get("/v1/customers/ann@example.com")
    client.get("/nowhere/ann@example.com")
    text = client.get("/metrics").text
    assert 'waypost_http_requests_total{method="GET",route="/v1/customers/{id}",status="404"} 1.0' in text
    assert 'waypost_http_requests_total{method="GET",route="none",status="404"} 1.0' in text
    assert "ann@" not in text


def test_mail_that_is_due_and_not_claimed_is_late(
    client: TestClient, parts: Parts, clock: Any, welcome: dict[str, Any]
) -> None:
    before = numbers(client)
    assert before['waypost_messages{lane="journey",status="planned"}'] == 0
    assert (before["waypost_dispatches"], before['waypost_lane_lag_seconds{lane="journey"}']) == (0, 0)
    client.put("/v1/topics/news", json={"consent": "double_opt_in"})
    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com", "first_name": "Ann"}})
    client.put("/v1/customers/ann/consent/news", json={"granted": True, "source": "form"})
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    with parts.database.writing() as session:
        session.add(Channel(name="outbox", updated_at=clock(), closed_until=clock() + timedelta(hours=1)))
    clock.forward(seconds=90)
    after = numbers(client)
    assert after['waypost_messages{lane="transactional",status="planned"}'] == 1
    assert after['waypost_lane_lag_seconds{lane="transactional"}'] == 90
    assert (after["waypost_dispatches"], after["waypost_dispatch_lag_seconds"]) == (1, 90)
    assert after['waypost_enrollments{journey="welcome",stage="new"}'] == 1
    assert after['waypost_channel_closed{channel="outbox"}'] == 1


@pytest.mark.usefixtures("welcome")
def test_a_wake_that_is_late_and_a_workflow_that_is_behind_are_counted(
    client: TestClient, parts: Parts, clock: Any
) -> None:
    before = numbers(client)
    assert (before["waypost_wake_lag_seconds"], before["waypost_workflows_behind"]) == (0, 0)
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    client.post("/v1/track", json={"userId": "bob", "event": "Signed Up"})
    with parts.database.writing() as session:
        ann, bob = session.exec(select(Enrollment)).all()
        ann.due_at, bob.follow_at = clock(), clock()
        session.add_all([ann, bob])
    clock.forward(seconds=90)
    after = numbers(client)
    assert (after["waypost_wake_lag_seconds"], after["waypost_workflows_behind"]) == (90, 1)


def test_many_who_scrape_at_once_ask_the_database_once(client: TestClient, clock: Any) -> None:
    """The backlog is kept for five seconds."""
    assert numbers(client)["waypost_dispatches"] == 0
    client.put(
        "/v1/journeys/j", content="journey: j\nenter: [{on: Go}]\nstart: a\nstages: {a: {steps: [{send: mail_a}]}}"
    )
    client.post("/v1/journeys/j/publish")
    client.post("/v1/track", json={"userId": "ann", "event": "Go"})
    assert numbers(client)["waypost_dispatches"] == 0
    clock.forward(seconds=5)
    assert numbers(client)["waypost_dispatches"] == 1


@pytest.mark.usefixtures("welcome")
def test_who_is_stuck_or_stands_still_is_counted(client: TestClient, parts: Parts, clock: Any) -> None:
    told = 'waypost_stuck{kind="enrollment"}'
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    client.post("/v1/track", json={"userId": "bob", "event": "Signed Up"})
    before = numbers(client)
    assert (before[told], before["waypost_overdue"]) == (0, 0)
    with parts.database.writing() as session:
        ann, bob = session.exec(select(Enrollment)).all()
        wake.set_aside(session, ann.id, "KeyError: 'x'", clock())
        bob.wakes_at, bob.poked_at = clock() - timedelta(minutes=11), None
        ann.poked_at = None
        session.add_all([ann, bob])
    clock.forward(seconds=6)
    after = numbers(client)
    assert (after[told], after["waypost_overdue"]) == (1, 1)
