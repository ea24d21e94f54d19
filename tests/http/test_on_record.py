"""What is on record of who did what: with before and after, and what was said, as long as its customer is here."""

from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlmodel import select

from services.jobs import erasure
from store.tables.access import ApiKey, Audit
from store.tables.enrollments import ControlRequest, Enrollment
from tests.shells import Shell
from waypost.cli.commands.keys import keys_create, keys_revoke
from waypost.wiring import Parts


def rows(parts: Parts, table: Any) -> list[Any]:
    with parts.database.reading() as session:
        return list(session.exec(select(table)).all())


class Controlled:
    """Stands for the gateway: notes what Temporal is told, where something cannot be done at once."""

    def __init__(self, parts: Parts) -> None:
        self.told: list[tuple[Any, ...]] = []
        self._clock = parts.clock
        (run,) = rows(parts, Enrollment)
        self.shell = Shell(parts.database, run)

    async def hurry(self, *told: Any) -> None:
        self.told.append(told)
        self.shell.wake(self._clock())


def test_a_control_is_on_record_with_before_after_and_what_was_said(
    client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch, noon: datetime
) -> None:
    text = "journey: long\nenter: [{on: E}]\nstart: new\nstages: {new: {steps: [{wait: 9 days}]}}"
    client.put("/v1/journeys/long", content=text)
    client.post("/v1/journeys/long/publish")
    client.post("/v1/track", json={"userId": "ann", "event": "E"})
    gateway = Controlled(parts)

    async def given() -> Controlled:
        return gateway

    state = cast(FastAPI, client.app).state
    monkeypatch.setattr(state, "backend", replace(state.backend, gateway=given))
    (run,) = rows(parts, Enrollment)
    answer = client.post(f"/v1/enrollments/{run.id}/pause", json={"reason": "Ann called: her mother died"})
    assert answer.status_code == 200, answer.text
    assert "mother" not in str(gateway.told), "nobody can erase what stands in Temporal's history"
    (entry,) = [one for one in rows(parts, Audit) if one.kind == "enrollment" and one.action == "pause"]
    assert entry.before is not None
    assert entry.after is not None
    assert (entry.before["paused_by"], entry.after["paused_by"]) == (None, "person")
    assert entry.after["said"] == "Ann called: her mother died"
    assert "mother" not in str([one.model_dump() for one in rows(parts, ControlRequest)])
    with parts.database.writing() as session:
        erasure.PHASES["runs"](session, run.customer_id, noon)
    (entry,) = [one for one in rows(parts, Audit) if one.action == "pause"]
    assert (entry.before, entry.after) == (None, None)


@pytest.fixture
def controlled(client: TestClient, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> Controlled:
    """Ann's enrollment in a journey, and a worker that does what is asked of it as soon as it is hurried."""
    text = "journey: long\nenter: [{on: E}]\nstart: new\nstages: {new: {steps: [{wait: 9 days}]}}"
    client.put("/v1/journeys/long", content=text)
    client.post("/v1/journeys/long/publish")
    client.post("/v1/track", json={"userId": "ann", "event": "E"})
    gateway = Controlled(parts)
    gateway.shell.wake(parts.clock())

    async def given() -> Controlled:
        return gateway

    state = cast(FastAPI, client.app).state
    monkeypatch.setattr(state, "backend", replace(state.backend, gateway=given))
    return gateway


def entries(parts: Parts, action: str) -> list[Audit]:
    return [one for one in rows(parts, Audit) if one.kind == "enrollment" and one.action == action]


def test_a_control_whose_api_process_dies_before_it_answers_is_on_record_all_the_same(
    client: TestClient, parts: Parts, controlled: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    from api.edge import controls

    ask = controls._ask

    def does_it_and_dies(*asked: Any) -> Any:
        ask(*asked)
        raise SystemError("the process is gone")

    monkeypatch.setattr(controls, "_ask", does_it_and_dies)
    (run,) = rows(parts, Enrollment)
    assert client.post(f"/v1/enrollments/{run.id}/pause", json={"reason": "Ann called"}).status_code == 500
    (entry,) = entries(parts, "pause")
    assert (entry.before, entry.after) == (
        {"paused": False, "paused_by": None, "wakes_at": "2026-03-11T12:00:00Z"},
        {"paused": True, "paused_by": "person", "wakes_at": None, "said": "Ann called"},
    )


def test_what_was_asked_and_refused_or_withdrawn_is_on_record_as_that(
    client: TestClient, parts: Parts, controlled: Controlled, monkeypatch: pytest.MonkeyPatch
) -> None:
    (run,) = rows(parts, Enrollment)
    assert client.post(f"/v1/enrollments/{run.id}/resume").status_code == 409
    (entry,) = entries(parts, "resume")
    assert (entry.before, entry.after) == ({}, {"refused": "the enrollment is not paused"})

    async def nobody_is_there(*_: Any) -> None:
        (open_,) = entries(parts, "exit")
        (asked,) = [one for one in rows(parts, ControlRequest) if one.verb == "exit"]
        assert open_.after == {"asked": asked.id, "said": "please"}, "asked, and nobody knows yet what comes of it"

    monkeypatch.setattr(controlled, "hurry", nobody_is_there)
    with parts.database.writing() as session:
        session.get_one(Enrollment, run.id).digest = "of no definition"
    assert client.post(f"/v1/enrollments/{run.id}/exit", json={"reason": "please"}).status_code == 409
    (entry,) = entries(parts, "exit")
    assert (entry.before, entry.after) == ({}, {"withdrawn": True, "said": "please"})


def test_why_a_journey_was_paused_is_on_record_with_it(client: TestClient, parts: Parts, welcome: Any) -> None:
    assert client.post("/v1/journeys/welcome/pause", json={"reason": "wrong prices"}).status_code == 200
    assert client.post("/v1/journeys/welcome/resume", json={"reason": "mended"}).status_code == 200
    told = {one.action: (one.after or {}).get("said") for one in rows(parts, Audit)}
    assert (told["paused"], told["resumed"]) == ("wrong prices", "mended")


def test_what_a_person_starts_is_on_record_with_what_it_started(client: TestClient, parts: Parts, welcome: Any) -> None:
    client.put("/v1/customers/ann", json={"attributes": {"email": "ann@example.com"}})
    client.put("/v1/segments/all", json={"guard": "true"})
    started = client.post("/v1/journeys/welcome/enrollments", json={"customer": "ann"}).json()
    many = client.post("/v1/journeys/welcome/enrollments", json={"segment": "all"}).json()
    file = client.post("/v1/imports?kind=customers", content=b"userId\n1\n").json()
    mail = client.post("/v1/templates/mail_a/test", json={"to": "me@example.com"}).json()
    played = client.post("/v1/journeys/welcome/simulate").json()
    client.put("/v1/broadcasts/spring", json={"segment": "all", "template": "mail_a", "topic": "news"})
    counted = client.post("/v1/broadcasts/spring/preview").json()
    told = {(one.kind, one.action): (one.target, one.before, one.after) for one in rows(parts, Audit)}
    assert told["enrollment", "enrolled"] == (started["id"], None, started)
    assert told["segment", "enrolled"] == ("all", None, many)
    assert told["customers", "imported"] == (file["id"], None, file)
    assert told["template", "tested"] == ("mail_a", None, mail)
    assert told["journey", "simulated"] == ("welcome", None, played)
    assert told["broadcast", "previewed"] == ("spring", None, counted)
    assert "me@example.com" not in str(told["template", "tested"])


def test_a_pause_and_a_revocation_are_on_record_with_before_and_after(client: TestClient, parts: Parts) -> None:
    client.put("/v1/topics/news", json={"name": "News"})
    client.post("/v1/topics/news/pause")
    key = client.post("/v1/keys", json={"name": "shop", "scopes": ["ingest"]}).json()["id"]
    client.delete(f"/v1/keys/{key}")
    told = {(one.kind, one.action): (one.before, one.after) for one in rows(parts, Audit)}
    before, after = told["topic", "paused"]
    assert before["paused_at"] is None
    assert after["paused_at"] is not None
    before, after = told["key", "revoked"]
    assert (before, after["revoked_at"] is not None) == ({"revoked_at": None}, True)


def test_keys_of_the_command_line_are_on_record_with_before_and_after(
    parts: Parts, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WAYPOST_HOME", str(parts.settings.home.absolute()))
    keys_create("page", ["browser"])
    (key,) = rows(parts, ApiKey)
    keys_revoke(key.id)
    made, gone = sorted(rows(parts, Audit), key=lambda one: one.action)
    assert (made.before, made.after["scopes"]) == (None, ["browser"])
    assert (gone.before, gone.after["revoked_at"] is not None) == ({"revoked_at": None}, True)


def test_a_suppression_is_on_record_with_its_reason_and_without_the_address(client: TestClient, parts: Parts) -> None:
    client.put("/v1/suppressions/ann@example.com", json={"reason": "complaint"})
    client.delete("/v1/suppressions/ann@example.com")
    made, gone = sorted(rows(parts, Audit), key=lambda one: one.action)
    assert (made.action, made.before, made.after["reason"]) == ("suppressed", None, "complaint")
    assert (gone.action, gone.before["reason"], gone.after) == ("unsuppressed", "complaint", None)
    assert "ann@" not in f"{made} {gone}"
