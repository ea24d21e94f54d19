"""What a person asks of an enrollment is done in the transaction that asks, whatever Temporal and the workers do."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select
from structlog.testing import capture_logs

from services.enrollments.waking import wake
from store.tables.enrollments import ControlRequest, Dispatch, Enrollment
from store.tables.messages import Message
from tests.http import tour
from tests.refused import CANCELLED
from tests.shells import Shell
from waypost.processes.wakes_ahead import WakesAhead
from waypost.wiring import Parts
from workflows.gateway import TemporalUnavailable


class Hanging:
    """Stands for the gateway: nobody does what a workflow is hurried to."""

    def __init__(self) -> None:
        self.hurried: list[str] = []

    async def hurry(self, workflow_id: str) -> None:
        self.hurried.append(workflow_id)
        raise TemporalUnavailable("no worker has done it within 20 seconds; none may be running")


@pytest.fixture
def temporal(client: TestClient) -> Hanging:
    made = Hanging()

    async def given() -> Hanging:
        return made

    state = cast(FastAPI, client.app).state
    state.backend = replace(state.backend, gateway=given)
    return made


@pytest.fixture
def run(shells: list[Shell], parts: Parts) -> Callable[[], Enrollment]:
    """One who waits for a second mail, as they stand."""

    def found() -> Enrollment:
        with parts.database.reading() as session:
            return session.get_one(Enrollment, shells[0].enrollment)

    return found


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


@pytest.mark.parametrize(
    ("control", "body", "stands"),
    [
        ("pause", {}, ("live", True, "trial", "trial/wait:3 days")),
        ("skip", {}, ("live", False, "trial", None)),
        ("exit", {}, ("ended", False, "trial", "trial/wait:3 days")),
        ("move", {"stage": "paying"}, ("live", False, "paying", None)),
    ],
)
def test_a_control_is_done_while_temporal_hangs(
    client: TestClient,
    temporal: Hanging,
    run: Callable[[], Enrollment],
    parts: Parts,
    shells: list[Shell],
    control: str,
    body: dict[str, str],
    stands: Any,
) -> None:
    answer = client.post(f"/v1/enrollments/{run().id}/{control}", json=body)
    assert (answer.status_code, temporal.hurried) == (200, []), answer.text
    own = run()
    assert (own.status, own.paused, own.stage, own.step) == stands
    assert [one.status for one in rows(parts, ControlRequest)] == ["done"]
    assert own.follow_at == parts.clock(), "Temporal shows it as soon as it can"
    shells[0].wake(parts.clock())
    assert (shells[0].state.paused, shells[0].state.stage, shells[0].wakes) == (own.paused, own.stage, own.wakes)


def test_who_has_not_begun_yet_begins_and_is_paused(client: TestClient, temporal: Hanging, parts: Parts) -> None:
    tour.put(client, tour.JOURNEY)
    client.post("/v1/journeys/tour/publish")
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    (own,) = rows(parts, Enrollment)
    assert client.post(f"/v1/enrollments/{own.id}/pause").json()["paused"] is True
    assert [one.template for one in rows(parts, Message)] == ["mail_a"]
    WakesAhead(parts.database, parts.clock)._wake_at((1, 2, 3))  # type: ignore[arg-type]
    assert [(one.kind, one.status) for one in rows(parts, Dispatch)] == [("start", "ready")]


def test_what_cannot_be_done_at_once_is_left_to_the_workflow(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], parts: Parts
) -> None:
    with parts.database.writing() as session:
        session.get_one(Enrollment, run().id).digest = "of no definition"
    with capture_logs() as logs:
        assert client.post(f"/v1/enrollments/{run().id}/pause").status_code == 503
    assert ("control_not_done_at_once", temporal.hurried) == (logs[0]["event"], [run().workflow_id])
    assert [one.status for one in rows(parts, ControlRequest)] == ["withdrawn"]


def test_who_is_as_far_ahead_as_may_be_is_hurried(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wake, "AHEAD", 1)
    assert client.post(f"/v1/enrollments/{run().id}/pause").status_code == 503
    assert (run().paused, temporal.hurried) == (False, [run().workflow_id])


def test_a_mail_whose_sending_past_hours_was_withdrawn_goes_past_nothing(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The person was told that it was not done, and it may come in the night by itself."""
    monkeypatch.setattr(wake, "AHEAD", 1)
    said = {"past_hours": True, "reason": "asked by phone"}
    assert client.post(f"/v1/enrollments/{run().id}/skip", json=said).status_code == 503
    assert run().sent_past is None


def test_one_that_is_stuck_is_tried_again_when_somebody_asks(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], parts: Parts
) -> None:
    path, digest = f"/v1/enrollments/{run().id}/retry", run().digest
    refused = client.post(path)
    assert (refused.status_code, refused.json()["detail"]) == (409, "it is not stuck: it goes by itself")
    with parts.database.writing() as session:
        stands = session.get_one(Enrollment, run().id)
        stands.digest, stands.stuck = "of no definition", "NotFound: there is no definition"
    with capture_logs():
        refused = client.post(path)
    assert refused.status_code == 409
    assert "it ends in an error still: NotFound: there is no definition" in refused.json()["detail"]
    assert run().stuck is not None
    with parts.database.writing() as session:
        session.get_one(Enrollment, run().id).digest = digest
    assert client.post(path).json()["stuck"] is None
    assert (run().stuck, temporal.hurried) == (None, [])
    assert [one["action"] for one in client.get("/v1/audit?kind=enrollment").json()["items"]] == ["retried"]


def test_a_control_of_one_that_is_stuck_is_refused_with_its_error(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hurries(workflow_id: str) -> None:
        """The workflow has tried, and set it aside."""

    monkeypatch.setattr(temporal, "hurry", hurries)
    with parts.database.writing() as session:
        stands = session.get_one(Enrollment, run().id)
        stands.digest, stands.stuck = "of no definition", "NotFound: there is no definition"
    refused = client.post(f"/v1/enrollments/{run().id}/skip")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "its wakes end in an error: NotFound: there is no definition",
    )  # fmt: skip


def test_one_that_is_stuck_is_ended_at_once_whatever_its_error(
    client: TestClient, temporal: Hanging, run: Callable[[], Enrollment], shells: list[Shell], parts: Parts,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    """For one that may be the database's its workflow takes minutes; the person would be told that nobody did it."""

    def cancelled(*_: Any, **__: Any) -> Any:
        raise CANCELLED

    with monkeypatch.context() as patched, capture_logs():
        patched.setattr(wake, "_work_off", cancelled)
        assert client.post(f"/v1/enrollments/{run().id}/exit").status_code == 503, "it may be the database's"
        assert run().status == "live"
        with parts.database.writing() as session:
            session.get_one(Enrollment, run().id).stuck = "OperationalError: canceling statement"
        assert client.post(f"/v1/enrollments/{run().id}/exit").json()["status"] == "ended"
    assert temporal.hurried == [run().workflow_id]
    assert [one.status for one in rows(parts, ControlRequest)] == ["withdrawn", "done"]
    assert run().follow_at == parts.clock()
    shells[0].wake(parts.clock())
    assert (shells[0].state.ended, shells[0].wakes) == (True, run().wakes)
