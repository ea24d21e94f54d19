"""Hooks and dispatch rows that are set aside: listed, tried again, given up; and what is said of a database that fails."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlalchemy.exc import OperationalError
from sqlmodel import Session, select
from typer.testing import CliRunner

from journeys.machine.commands import Decide
from mail.webhooks.answer import HookAnswer
from services.definitions.journey_versions import drafts
from services.enrollments import hooks
from store import bulk
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.upkeep import pulses
from store.statuses import DispatchStatus, HookStatus
from store.tables.access import Audit
from store.tables.enrollments import Decision, Dispatch, Enrollment, Hook
from waypost.cli.app import app
from waypost.cli.commands import reconciling
from waypost.client import Waypost
from waypost.doctor import installation
from waypost.processes.api import build
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


@pytest.mark.usefixtures("stuck")
def test_the_books_and_the_doctor_name_what_is_stuck(
    client: TestClient, keys: dict[str, str], parts: Parts, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    def connected(*_: Any) -> Waypost:
        return Waypost("http://testserver", keys["admin"], transport=client._transport)

    monkeypatch.setattr(installation, "client", connected)
    monkeypatch.setattr(reconciling, "api_client", connected)

    def doctor() -> list[str]:
        (found,) = [one for one in installation.examine(parts.settings) if one.check == "set aside"]
        assert found.well is False
        return found.text.split("; ")

    def told() -> str:
        return " ".join(CliRunner().invoke(app, ["reconcile", "--quick"]).output.split())

    hooks_told = "1 calls of welcome/new/webhook:x are stuck: `waypost hooks list --status stuck` says why"
    assert doctor()[0] == hooks_told
    assert hooks_told in told()
    with parts.database.writing() as session:
        row = dispatches.row("e1", "enrollment/x", "poke", {}, Priority.SIGNAL, noon)
        bulk.add(session, Dispatch, [{**row, "status": DispatchStatus.STUCK}])
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    client.post("/v1/track", json={"userId": "bob", "event": "Signed Up"})
    with parts.database.writing() as session:
        ann, bob = session.exec(select(Enrollment)).all()
        ann.stuck = "KeyError"
        bob.wakes_at = noon - timedelta(hours=1)
        bob.poked_at = None
    books = client.get("/v1/reports/reconciliation").json()
    assert (books["stuck_hooks"], books["stuck_dispatches"]) == ({"welcome/new/webhook:x": 1}, {"poke": 1})
    assert (books["stuck"], books["overdue"], books["balanced"]) == (1, 1, True)
    assert client.get("/v1/reports/reconciliation?journey=other").json()["stuck_hooks"] == {}
    for sentence in (
        "1 enrollments should have acted more than ten minutes ago",
        "1 enrollments end in an error each time: GET /v1/enrollments?stuck=true lists them, `waypost status ID` tells the error",
        "`waypost enrollment retry ID` or `exit ID` ends it",
        "1 rows that poke a workflow are stuck: GET /v1/dispatches?status=stuck says why",
        hooks_told,
    ):
        assert sentence in doctor()
        assert sentence in told()


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


CALLING = """
journey: calling
enter: [{on: Signed Up}]
start: a
stages: {a: {steps: [{webhook: 'https://example.com/x'}, {wait: 2 days}]}}
"""


@pytest.fixture
def answered(client: TestClient, parts: Parts, noon: datetime, clock: Any) -> Any:
    """Plans the call of a journey's webhook for ann, and lets its receiver answer so, attempt by attempt."""
    client.put("/v1/journeys/calling", content=CALLING)
    client.post("/v1/journeys/calling/publish")
    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}})
    client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    with parts.database.writing() as session:
        run = session.exec(select(Enrollment)).one()
        step = "a/webhook"
        asked = Decide(number=1, at=noon, what="called", stage="a", visit=1, step=step, detail={})
        hooks.plan(session, run, asked, noon)
        hooks.take_over(session, "owner", noon)

    def run_(*statuses: int) -> None:
        for status in statuses:
            with parts.database.writing() as session:
                (due,) = hooks.claim(session, "owner", 1, clock())
                outcome = "delivered" if status == 200 else "again"
                answer = HookAnswer(outcome=outcome, status=status)
                hooks.record(session, "owner", due.id, due.attempt, answer, clock())
            clock.forward(hours=9)

    return run_


def test_a_webhook_that_fails_is_told_on_the_timeline_with_its_answer_and_why_says_what_is_next(
    client: TestClient, answered: Any
) -> None:
    answered(503, 502)
    told = [one for one in client.get("/v1/customers/ann/timeline").json()["items"] if one["what"] == "hook_failing"]
    assert [(one["step"], one["detail"]["answer"], one["detail"]["again_at"]) for one in told] == [
        ("a/webhook", 503, "2026-03-02T12:00:05+00:00")
    ], "once, however often it fails"
    why = client.get("/v1/customers/ann/why", params={"journey": "calling", "step": "webhook"}).json()
    assert why["answer"] == (
        "'webhook' is called again at 2026-03-02 21:00 UTC; after attempt 2 the answer was: status 502"
    )
    assert (why["hook"]["status"], why["hook"]["attempts"], why["next_at"]) == ("planned", 2, "2026-03-02T21:00:30Z")


def test_the_report_of_a_journey_tells_its_calls_that_nobody_took(client: TestClient, answered: Any) -> None:
    def told() -> list[dict[str, Any]]:
        return client.get("/v1/journeys/calling/report").json()["hooks"]

    assert told() == [{"step": "a/webhook", "status": "planned", "answer": None, "count": 1}]
    answered(503)
    assert told() == [{"step": "a/webhook", "status": "planned", "answer": 503, "count": 1}]
    answered(*[500] * 8)
    assert told() == [{"step": "a/webhook", "status": "stuck", "answer": 500, "count": 1}]
    why = client.get("/v1/customers/ann/why", params={"journey": "calling", "step": "webhook"}).json()
    assert why["answer"] == (
        "'webhook' failed again and again, and waits for a person; after attempt 9 the answer was: status 500"
    )


def test_what_a_receiver_took_is_no_news_in_the_report(client: TestClient, answered: Any) -> None:
    answered(200)
    assert client.get("/v1/journeys/calling/report").json()["hooks"] == []
    why = client.get("/v1/customers/ann/why", params={"journey": "calling", "step": "webhook"}).json()
    assert why["answer"] == "'webhook' was taken by its receiver; after attempt 1 the answer was: status 200"


def test_a_stuck_dispatch_row_is_listed_retried_and_cancelled(
    client: TestClient, parts: Parts, noon: datetime, keys: dict[str, str]
) -> None:
    with parts.database.writing() as session:
        rows = [dispatches.row(f"e{one}", f"w{one}", "start", {}, Priority.START, noon, waked=True) for one in range(2)]
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
        pulses.beat(session, {part: clock() for part in ("dispatcher/pokes", "lane/journey")})
    found = {one["part"]: one for one in client.get("/readyz").json()["parts"]}
    assert {name for name, one in found.items() if one["works"]} == {"dispatcher/pokes", "lane/journey"}
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

    monkeypatch.setattr(drafts, "put_draft", fails)
    text = "journey: welcome\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {final: true}}"
    answer = client.put("/v1/journeys/welcome", content=text)
    assert answer.status_code == status
    if type is not None:
        assert answer.json()["type"] == f"urn:waypost:problem:{type}"
        assert ("Retry-After" in answer.headers) == (status == 503)


@pytest.fixture
def full(parts: Parts) -> Iterator[Any]:
    """The database's disk is full, as its own pager tells; call it to make room."""
    pages = {"most": 1}

    def limit(connection: Any, *_: Any) -> None:
        connection.execute(f"PRAGMA max_page_count = {pages['most']}")

    def room() -> None:
        pages["most"] = 1_073_741_823

    event.listen(parts.database.engine, "checkout", limit)
    yield room
    room()


def test_a_full_disk_is_507_until_there_is_room_again(client: TestClient, full: Any) -> None:
    def stored() -> Any:
        return client.put("/v1/customers/ann", json={"attributes": {f"a{one}": "x" * 3_000 for one in range(9)}})

    refused = stored()
    assert (refused.status_code, refused.json()["type"]) == (507, "urn:waypost:problem:disk-full")
    assert client.get("/v1/customers/ann").status_code == 404, "nothing is stored by half"
    full()
    assert stored().status_code == 200


def test_a_disk_without_room_makes_the_installation_not_ready(parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("waypost.processes.api.has_room", lambda folder: False)
    with TestClient(build(parts), base_url="http://127.0.0.1:8000") as client:
        answer = client.get("/readyz")
    assert (answer.status_code, answer.json()["room"]) == (503, False)
