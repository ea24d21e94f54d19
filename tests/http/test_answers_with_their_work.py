"""An answer under an Idempotency-Key is committed in the very transaction of its work, whatever the call.

So a process that dies behind any commit leaves a repeat that is answered, and nothing is done twice (fault 26, ADR 8).
"""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from api.edge import file_imports
from services.errors import Refused
from store.tables.access import UploadPart
from tests.conftest import HandClock
from tests.http import tour
from tests.http.keyed_calls import CALLS, READING, Deaths, House, filled, operations
from waypost.wiring import Parts

ONCE = {"Idempotency-Key": "k1"}


@pytest.fixture
def house(client: TestClient, parts: Parts, clock: HandClock) -> House:
    return House(client, parts, clock)


def test_every_call_that_takes_a_key_stands_here(client: TestClient) -> None:
    document = client.get("/openapi.json").json()["paths"]
    posts = {path: item["post"] for path, item in document.items() if "post" in item and path.startswith("/v1/")}
    taking = {
        path
        for path, post in posts.items()
        if any(one.get("name") == "Idempotency-Key" for one in post.get("parameters", ()))
    }
    assert taking == {*CALLS, *READING, "/v1/imports"}
    others = {path for path in posts.keys() - taking if "ingestion" not in posts[path]["tags"]}
    assert others == {"/v1/segments/preview"}, "it changes nothing"


@pytest.mark.parametrize("path", CALLS)
def test_whoever_died_behind_the_commit_has_answered(house: House, parts: Parts, path: str) -> None:
    values, body = CALLS[path](house)
    url, deaths, headers = filled(path, values), Deaths(parts), {**house.headers, **ONCE}
    with deaths.behind(1) as changed:
        first = house.client.post(url, json=body, headers=headers)
    assert len(changed) == 1, (first.text, changed)
    assert "idempotent_answer" in changed[0], f"the work is committed, and its answer is not: {changed[0]}"
    with deaths.behind(-1) as changed:
        again = house.client.post(url, json=body, headers=headers)
    assert (again.status_code, again.headers["idempotent-replay"]) == (first.status_code, "true")
    assert (again.content, again.headers["content-type"]) == (first.content, first.headers["content-type"])
    assert changed == [], "nothing is done twice"


@pytest.mark.parametrize("dies_behind", [1, 2])
def test_an_import_whose_file_came_by_half_is_taken_once(house: House, parts: Parts, dies_behind: int) -> None:
    """A file comes in parts, each a transaction; the answer is committed with the operation that reads them."""
    deaths, asked = Deaths(parts), {"params": {"kind": "customers"}, "content": b"userId\n1\n", "headers": ONCE}
    with deaths.behind(dies_behind) as changed:
        first = house.client.post("/v1/imports", **asked)
    assert (first.status_code, operations(parts)) == ((500, 0) if dies_behind == 1 else (202, 1))
    with deaths.behind(-1) as changed:
        again = house.client.post("/v1/imports", **asked)
    assert (again.status_code, operations(parts)) == (202, 1)
    if dies_behind == 2:
        assert (again.content, again.headers["idempotent-replay"], changed) == (first.content, "true", [])


def test_a_file_for_which_no_work_was_asked_for_is_let_go(
    house: House, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(*_: Any) -> None:
        raise Refused("somebody came between")

    monkeypatch.setattr(file_imports, "start", refused)
    answer = house.client.post("/v1/imports", params={"kind": "customers"}, content=b"userId\n1\n", headers=ONCE)
    assert answer.status_code == 409
    with parts.database.reading() as session:
        assert session.exec(select(UploadPart)).all() == []


def test_what_its_workflow_is_to_do_is_asked_once(house: House, parts: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it cannot be done at once there are two transactions; the key names what was asked, and a repeat finds it."""
    from services.enrollments.waking import wake

    made = house.under_way()
    url, body = f"/v1/enrollments/{made}/skip", {"past_hours": True, "reason": "asked"}
    with monkeypatch.context() as patched:
        patched.setattr(wake, "AHEAD", 1)
        with Deaths(parts).behind(1):
            assert house.client.post(url, json=body, headers=ONCE).status_code >= 500
    again = house.client.post(url, json=body, headers=ONCE)
    assert (again.status_code, again.json()["step"]) == (200, None), again.text
    audit: list[dict[str, Any]] = house.client.get("/v1/audit", params={"kind": "enrollment"}).json()["items"]
    assert [one["action"] for one in audit] == ["skip", "enrolled"]


def test_of_two_at_once_under_one_key_one_is_done(house: House, parts: Parts) -> None:
    from concurrent.futures import ThreadPoolExecutor

    house.live(tour.JOURNEY)
    with ThreadPoolExecutor(4) as pool:
        url = "/v1/journeys/tour/plan"
        answers = list(pool.map(lambda _: house.client.post(url, json={}, headers=ONCE), range(8)))
    assert {one.status_code for one in answers} == {202}
    assert (len({one.json()["id"] for one in answers}), operations(parts)) == (1, 1)
