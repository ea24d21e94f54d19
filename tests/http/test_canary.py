"""A version is tried on a few: so many of those under way go over, as many of those who come enter it, and no others."""

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from journeys.program.assignment import is_tried_on
from services.changes.publication import publishing
from store.tables.enrollments import Dispatch, Enrollment
from tests.http.tour import JOURNEY, LONGER, done, put
from tests.shells import Shell
from waypost.wiring import Parts

Planned = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(publishing, "BETWEEN", 0.0)


def publish(client: TestClient, parts: Parts, told: dict[str, Any], version: int | None = None) -> dict[str, Any]:
    """Carry out a plan; return the version."""
    way, more = ("rollback", {"version": version}) if version else ("publish", {})
    body = {"in_flight": "move", "token": told["token"], **more}
    answer = client.post(f"/v1/journeys/tour/{way}", json=body)
    assert answer.status_code == 200, answer.text
    done(client, parts, answer.json()["operation"])
    return answer.json()


def come(client: TestClient, name: str, count: int = 30) -> None:
    batch = [{"type": "track", "userId": f"{name}{number}", "event": "Signed Up"} for number in range(count)]
    assert client.post("/v1/batch", json={"batch": batch}).status_code == 200


def entered(parts: Parts, since: int) -> list[Enrollment]:
    """Who came behind so many others."""
    with parts.database.reading() as session:
        return list(session.exec(select(Enrollment).order_by(col(Enrollment.id))).all())[since:]


@pytest.fixture
def tried(client: TestClient, parts: Parts, shells: list[Shell], planned: Planned) -> dict[str, Any]:
    """The second version, on half of everybody."""
    put(client, LONGER)
    return publish(client, parts, planned(share=50))


def test_as_many_of_those_who_come_enter_it_and_the_others_the_version_before(
    client: TestClient, parts: Parts, shells: list[Shell], tried: dict[str, Any]
) -> None:
    assert (tried["number"], tried["share"], tried["others"]) == (2, 50, 1)
    come(client, "n")
    found = entered(parts, len(shells))
    assert {one.id: one.version for one in found} == {
        one.id: 2 if is_tried_on("tour", one.id, 50) else 1 for one in found
    }
    assert min(Counter(one.version for one in found).values()) > 5
    with parts.database.reading() as session:
        starts = {one.enrollment_id: one.payload["digest"] for one in session.exec(select(Dispatch)) if one.payload}
    assert {one.id: one.digest for one in found}.items() <= starts.items(), "their workflows begin with that version"


def test_the_rest_follows_with_the_next_call_and_everybody_who_comes_enters_it(
    client: TestClient, parts: Parts, shells: list[Shell], tried: dict[str, Any], planned: Planned
) -> None:
    told = planned()
    assert told["kinds"].get("retimed", 0) + told["kinds"].get("stays", 0) == len(shells), "as their ids fall"
    again = publish(client, parts, told)
    assert (again["number"], again["created"], again["share"], again["others"]) == (2, False, 100, None)
    come(client, "n")
    assert {one.version for one in entered(parts, 0)} == {2}


def test_it_goes_back_and_nobody_enters_it_any_more(
    client: TestClient, parts: Parts, shells: list[Shell], tried: dict[str, Any], planned: Planned
) -> None:
    back = publish(client, parts, planned(version=1), version=1)
    assert (back["number"], back["share"], back["others"]) == (3, 100, None)
    come(client, "n")
    assert {one.version for one in entered(parts, 0)} == {3}


def test_a_third_version_that_is_tried_meanwhile_leaves_the_others_where_they_were(
    client: TestClient, parts: Parts, shells: list[Shell], tried: dict[str, Any], planned: Planned
) -> None:
    put(client, JOURNEY.replace("3 days", "6 days"))
    third = publish(client, parts, planned(share=20))
    assert (third["number"], third["share"], third["others"]) == (3, 20, 1)


def test_the_version_that_the_others_enter_is_not_archived(
    client: TestClient, parts: Parts, shells: list[Shell], planned: Planned
) -> None:
    put(client, LONGER)
    publish(client, parts, planned(share=99))
    refused = client.post("/v1/journeys/tour/versions/1/archive")
    assert (refused.status_code, refused.json()["detail"]) == (
        409, "customers still enter version 1; publish another one first",
    )  # fmt: skip
