"""Two pairs of eyes: the author of a draft does not publish it, the plan is part of what is approved, and both are named."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import Session
from temporalio.testing import ActivityEnvironment

from services.access import audit_log
from services.access.keys import api_keys
from services.access.signing_in import users
from store.tables.users import User
from tests.conftest import HandClock, settings_for
from waypost.processes.api import build
from waypost.wiring import Parts

JOURNEY = """journey: tour
enter: [{on: Signed Up}]
defaults: {topic: general}
start: trial
stages: {trial: {steps: [{send: mail_a}, {wait: 3 days}, {send: mail_b}], final: true}}
"""
LONGER = JOURNEY.replace("3 days", "5 days")
PUBLISH = "/v1/journeys/tour/publish"


@pytest.fixture
def parts(tmp_path: Path, template_folder: Path, clock: HandClock, sqlite: Path) -> Iterator[Parts]:
    """An installation that asks for approval."""
    (tmp_path / "waypost.db").write_bytes(sqlite.read_bytes())
    made = Parts(settings_for(tmp_path, templates=template_folder, approval=True), clock)
    yield made
    made.close()


@pytest.fixture
def desk(parts: Parts) -> Iterator[TestClient]:
    with TestClient(build(parts), base_url="http://127.0.0.1:8000") as made:
        yield made


@pytest.fixture
def ids(parts: Parts) -> dict[str, str]:
    return {}


@pytest.fixture
def author(parts: Parts, ids: dict[str, str]) -> dict[str, str]:
    return key(parts, ids, "author")


@pytest.fixture
def other(parts: Parts, ids: dict[str, str]) -> dict[str, str]:
    return key(parts, ids, "other")


def key(parts: Parts, ids: dict[str, str], name: str) -> dict[str, str]:
    with parts.database.writing() as session:
        made, text = api_keys.create(session, name, ["marketer", "admin"], parts.clock())
        ids[name] = made.id
    return {"Authorization": f"Bearer {text}"}


def put(desk: TestClient, text: str, headers: dict[str, str]) -> None:
    assert desk.put("/v1/journeys/tour", content=text, headers=headers).status_code == 200


def plan(desk: TestClient, parts: Parts, headers: dict[str, str], **body: Any) -> str:
    asked = desk.post("/v1/journeys/tour/plan", json=body, headers=headers).json()
    asyncio.run(ActivityEnvironment().run(parts.operations().operate, asked["id"]))
    return asked["id"]


def test_the_author_does_not_publish_and_another_key_does(
    desk: TestClient, author: dict[str, str], other: dict[str, str]
) -> None:
    put(desk, JOURNEY, author)
    refused = desk.post(PUBLISH, headers=author)
    assert (refused.status_code, refused.json()["path"]) == (409, "own_draft")
    assert desk.post(PUBLISH, headers=other).json()["number"] == 1, "nobody was under way, so there is nothing to plan"


def test_the_plan_is_part_of_what_is_approved(
    desk: TestClient, parts: Parts, author: dict[str, str], other: dict[str, str], ids: dict[str, str]
) -> None:
    put(desk, JOURNEY, author)
    desk.post(PUBLISH, headers=other)
    put(desk, LONGER, author)
    bare = desk.post(PUBLISH, headers=other)
    assert (bare.status_code, bare.json()["path"]) == (422, "token")
    token = plan(desk, parts, author, in_flight="pin")
    put(desk, JOURNEY.replace("3 days", "6 days"), author)
    changed = desk.post(PUBLISH, json={"token": token}, headers=other)
    assert (changed.status_code, changed.json()["path"]) == (409, "other_draft")
    token = plan(desk, parts, author, in_flight="pin")
    assert desk.post(PUBLISH, json={"token": token}, headers=other).json()["number"] == 2
    entry = desk.get("/v1/audit", params={"kind": "journey"}, headers=other).json()["items"][0]
    assert (entry["action"], entry["actor"]) == ("published", ids["other"])
    assert {name: entry["after"][name] for name in ("written_by", "published_by", "plan")} == {
        "written_by": ids["author"], "published_by": ids["other"], "plan": token,
    }  # fmt: skip


def test_who_changes_a_draft_is_its_author_and_the_first_one_may_publish(
    desk: TestClient, author: dict[str, str], other: dict[str, str]
) -> None:
    put(desk, JOURNEY, author)
    taken = desk.put("/v1/journeys/tour?based_on=1", content=LONGER, headers=other)
    assert taken.status_code == 200
    assert desk.post(PUBLISH, headers=other).status_code == 409
    assert desk.post(PUBLISH, headers=author).status_code == 200


def test_the_way_back_is_open_to_everybody(
    desk: TestClient, parts: Parts, author: dict[str, str], other: dict[str, str]
) -> None:
    put(desk, JOURNEY, author)
    desk.post(PUBLISH, headers=other)
    put(desk, LONGER, author)
    desk.post(PUBLISH, json={"token": plan(desk, parts, other, in_flight="pin")}, headers=other)
    assert desk.post("/v1/journeys/tour/rollback", json={"version": 1}, headers=author).json()["number"] == 3


def test_a_key_is_the_same_pair_of_eyes_as_the_user_who_made_it(desk: TestClient, parts: Parts) -> None:
    """Also where a key that they made has made it; what makes no user's key counts by itself."""

    def signed_in(session: Session, name: str) -> User:
        return users.invite(session, f"{name}@shop.example", name, ["admin"], None, parts.clock())

    def make(session: Session, maker: str, scope: str) -> tuple[str, dict[str, str]]:
        made, text = api_keys.create(session, scope, [scope], parts.clock())
        audit_log.record(session, maker, "created", "key", made.id, parts.clock())
        return made.id, {"Authorization": f"Bearer {text}"}

    with parts.database.writing() as session:
        ann, bob = signed_in(session, "ann"), signed_in(session, "bob")
        _, anns = make(session, ann.id, "marketer")
        _, hers = make(session, ann.id, "approver")
        admins, _ = make(session, ann.id, "admin")
        _, once_removed = make(session, admins, "approver")
        _, bobs = make(session, bob.id, "approver")
        _, lines = make(session, audit_log.COMMAND_LINE, "marketer")
        _, others = make(session, audit_log.COMMAND_LINE, "approver")
    put(desk, JOURNEY, anns)
    asked = desk.post("/v1/journeys/tour/approvals", json={}, headers=anns).json()["id"]
    for headers in (hers, once_removed):
        for call, body in ((PUBLISH, {}), (f"/v1/journeys/tour/approvals/{asked}/confirm", {"plan": None})):
            refused = desk.post(call, json=body, headers=headers)
            assert (refused.status_code, refused.json().get("path")) == (409, "own_draft"), call
    assert desk.post(PUBLISH, headers=bobs).json()["number"] == 1
    put(desk, LONGER, lines)
    assert desk.post(PUBLISH, json={"token": plan(desk, parts, others, in_flight="pin")}, headers=others).json() | {}


def test_who_asked_is_not_who_confirms_by_a_key_that_they_made(desk: TestClient, parts: Parts) -> None:
    author, asks, confirms = ({}, {}, {})
    with parts.database.writing() as session:
        ann = users.invite(session, "ann@shop.example", "Ann", ["admin"], None, parts.clock())
        for headers, maker, scope in (
            (author, None, "marketer"),
            (asks, ann.id, "marketer"),
            (confirms, ann.id, "approver"),
        ):
            made, text = api_keys.create(session, scope, [scope], parts.clock())
            headers["Authorization"] = f"Bearer {text}"
            if maker is not None:
                audit_log.record(session, maker, "created", "key", made.id, parts.clock())
    put(desk, JOURNEY, author)
    asked = desk.post("/v1/journeys/tour/approvals", json={}, headers=asks).json()["id"]
    refused = desk.post(f"/v1/journeys/tour/approvals/{asked}/confirm", json={"plan": None}, headers=confirms)
    assert (refused.status_code, refused.json()["path"]) == (409, "own_request")
