"""A move can be watched, paused, cancelled and begun again; and what happens meanwhile does not confuse it."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select
from temporalio.testing import ActivityEnvironment

import activities.operations
from services.changes.publication import publishing
from services.operations import operations
from services.reports.health import reconciliation
from store.tables.access import Operation
from store.tables.enrollments import Decision, Enrollment
from tests.conftest import HandClock
from tests.http.tour import CUSTOMERS, JOURNEY, LONGER, done, put
from tests.shells import Shell
from waypost.wiring import Parts

Planned = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BETWEEN", 0.0)
    monkeypatch.setattr(publishing, "PAGE", 2)
    monkeypatch.setattr(activities.operations, "LOOK_EVERY", 0.01)


@pytest.fixture
def moving(client: TestClient, parts: Parts, shells: list[Shell], planned: Planned) -> dict[str, Any]:
    """The operation that takes everybody to another version, not begun yet."""
    put(client, LONGER)
    return published(client, planned()["token"]).json()["operation"]


def published(client: TestClient, token: str) -> Any:
    return client.post("/v1/journeys/tour/publish", json={"in_flight": "move", "token": token})


def versions(parts: Parts) -> list[int]:
    with parts.database.reading() as session:
        return sorted(session.exec(select(Enrollment.version)).all())


def first_page(parts: Parts, operation: str) -> None:
    """A worker does one page, and dies."""
    begun = parts.database.write(lambda session: operations.begin(session, operation, parts.clock()))
    assert begun is not None
    page = next(iter(publishing.pages(parts.database, begun, parts.clock)))
    assert parts.database.write(lambda session: operations.advance(session, operation, page)) is not None


def migrations(parts: Parts) -> list[str | None]:
    with parts.database.reading() as session:
        found = session.exec(select(Decision.enrollment_id).where(Decision.what == "migrated"))
        return sorted(one or "" for one in found.all())  # type: ignore[return-value]


def check_the_books(parts: Parts) -> None:
    with parts.database.reading() as session:
        assert reconciliation.reconcile(session, recount=True)["balanced"]


def test_it_goes_on_where_a_worker_died_and_moves_everybody_once(
    client: TestClient, parts: Parts, shells: list[Shell], moving: dict[str, Any]
) -> None:
    first_page(parts, moving["id"])
    shown = client.get(f"/v1/operations/{moving['id']}").json()
    assert (shown["status"], shown["done"], shown["total"]) == ("running", 2, CUSTOMERS)
    assert done(client, parts, moving)["result"] == {"moved": {"retimed": CUSTOMERS}, "kept": {}}
    assert migrations(parts) == sorted(one.enrollment for one in shells)
    check_the_books(parts)


def test_paused_it_waits_and_moves_nobody_until_it_is_let_go_on(
    client: TestClient, parts: Parts, moving: dict[str, Any]
) -> None:
    assert client.post(f"/v1/operations/{moving['id']}/resume").status_code == 409
    first_page(parts, moving["id"])
    paused = client.post(f"/v1/operations/{moving['id']}/pause")
    assert (paused.status_code, paused.json()["paused"]) == (200, True)
    assert client.post(f"/v1/operations/{moving['id']}/pause").status_code == 409

    async def meanwhile() -> str:
        work = asyncio.create_task(_operate(parts, moving["id"]))
        await asyncio.sleep(0.2)
        assert versions(parts) == [1] * (CUSTOMERS - 2) + [2] * 2
        assert not work.done()
        assert client.post(f"/v1/operations/{moving['id']}/resume").json()["paused"] is False
        return await work

    assert asyncio.run(meanwhile()) == "done"
    assert versions(parts) == [2] * CUSTOMERS


def _operate(parts: Parts, operation: str) -> Coroutine[Any, Any, str]:
    return ActivityEnvironment().run(parts.operations().operate, operation)


def test_cancelled_it_leaves_the_rest_where_they_are_and_the_next_plan_takes_them_along(
    client: TestClient, parts: Parts, shells: list[Shell], moving: dict[str, Any], planned: Planned
) -> None:
    first_page(parts, moving["id"])
    client.post(f"/v1/operations/{moving['id']}/pause")
    assert client.post(f"/v1/operations/{moving['id']}/cancel").status_code == 200
    assert asyncio.run(_operate(parts, moving["id"])) == "cancelled"
    assert versions(parts) == [1] * (CUSTOMERS - 2) + [2] * 2
    check_the_books(parts)
    told = planned(version=2)
    assert told["kinds"] == {"retimed": CUSTOMERS - 2, "stays": 2}
    again = client.post(
        "/v1/journeys/tour/rollback", json={"version": 2, "in_flight": "move", "token": told["token"]}
    ).json()
    done(client, parts, again["operation"])
    assert versions(parts) == [2] * CUSTOMERS


def test_nobody_publishes_while_customers_are_on_their_way(
    client: TestClient, parts: Parts, moving: dict[str, Any], planned: Planned
) -> None:
    put(client, JOURNEY.replace("3 days", "7 days"))
    told = planned()
    refused = published(client, told["token"])
    assert (refused.status_code, refused.json()["path"]) == (409, "moving")
    assert refused.json()["detail"] == (
        f"customers are on their way to version 2; wait for {moving['id']}, or cancel it"
    )
    assert client.post("/v1/journeys/tour/publish").status_code == 409
    assert client.get("/v1/journeys/tour").json()["live_version"] == 2
    done(client, parts, moving)
    assert published(client, planned()["token"]).json()["number"] == 3


def test_who_published_first_has_published(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    token = planned()["token"]
    with parts.database.reading() as session:
        checked = publishing.named(session, "tour", token, parts.clock())
        publishing.unchanged(session, checked, parts.clock())
    done(client, parts, published(client, token).json()["operation"])
    with (
        pytest.raises(publishing.Refused, match="another version is live by now"),
        parts.database.writing() as session,
    ):
        publishing.one_at_a_time(session, "tour", checked)


def test_a_paused_journey_is_planned_and_moved_and_its_customers_stay_paused(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned, clock: HandClock
) -> None:
    client.post("/v1/journeys/tour/pause")
    now = clock.forward(days=3, seconds=1)
    shells[0].wake(now)
    put(client, LONGER)
    told = planned()
    assert told["kinds"] == {"retimed": 1, "unsettled": CUSTOMERS - 1}
    for one in shells[1:]:
        one.wake(now)
    told = planned()
    assert told["kinds"] == {"retimed": CUSTOMERS}
    done(client, parts, published(client, told["token"]).json()["operation"])
    with parts.database.reading() as session:
        rows = session.exec(select(Enrollment)).all()
    assert {(one.version, one.paused, one.wakes_at) for one in rows} == {(2, True, None)}
    client.post("/v1/journeys/tour/resume")
    for one in shells:
        one.wake(now)
        assert (one.state.paused, one.state.position) == (False, "trial/wait:5 days")


def test_whoever_was_merged_or_erased_meanwhile_is_moved_with_their_profile_or_left_out(
    client: TestClient, parts: Parts, shells: list[Shell], moving: dict[str, Any]
) -> None:
    with parts.database.reading() as session:
        owners = dict(session.exec(select(Enrollment.id, Enrollment.customer_id)).all())
    merged = client.post("/v1/alias", json={"previousId": "c0", "userId": "somebody"})
    assert merged.status_code == 200, merged.text
    done(client, parts, client.delete("/v1/customers/c1").json())
    told = done(client, parts, moving)["result"]
    assert told["kept"] == {}
    assert sum(told["moved"].values()) == CUSTOMERS - 1
    with parts.database.reading() as session:
        rows = session.exec(select(Enrollment).order_by(col(Enrollment.id))).all()
        assert {one.version for one in rows if one.status == "live"} == {2}
        assert len([one for one in rows if one.customer_id != owners[one.id]]) <= 1
    check_the_books(parts)


def test_an_enrollment_whose_customer_was_merged_under_the_move_is_tried_again(
    parts: Parts, shells: list[Shell], moving: dict[str, Any]
) -> None:
    with parts.database.writing() as session:
        operation = session.get(Operation, moving["id"])
        assert operation is not None
        aim = publishing.plan.target(operation, operation.request["number"])
        those = {shells[0].enrollment: "cus_before_the_merge"}
        assert publishing.moving.move(session, aim, those, parts.clock()) == {"unsettled": 1}
    assert versions(parts) == [1] * CUSTOMERS


def test_a_version_whose_template_was_deleted_is_neither_planned_nor_published_again(
    client: TestClient, parts: Parts, shells: list[Shell]
) -> None:
    source = {"html": "<p>Hi</p>"}
    made = client.put("/v1/templates/short_lived", json={"subject": "Hi", **source})
    assert made.status_code in (200, 201), made.text
    put(client, JOURNEY.replace("mail_b", "short_lived"))
    assert client.post("/v1/journeys/tour/publish").json()["number"] == 2
    put(client, JOURNEY)
    assert client.post("/v1/journeys/tour/publish").json()["number"] == 3
    assert client.delete("/v1/templates/short_lived").status_code == 204
    told = "it sends 'short_lived': there is no such template any more"
    for path, body in (("plan", {"version": 2}), ("rollback", {"version": 2})):
        refused = client.post(f"/v1/journeys/tour/{path}", json=body)
        assert (refused.status_code, refused.json()["path"], refused.json()["detail"]) == (409, "template_gone", told)
    assert client.get("/v1/journeys/tour").json()["live_version"] == 3
