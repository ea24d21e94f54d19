"""A version of a journey names its templates; its mails are made of the newest ones, or of those it was published with."""

from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from store.tables.enrollments import Enrollment
from store.tables.messages import Message, OutboxMail
from tests.shells import Shell
from waypost.wiring import Parts

JOURNEY = """journey: w
enter: [{on: Signed Up}]
defaults: {topic: general}
templates: pinned
start: n
stages: {n: {steps: [{send: hello}, {wait: 1 day}, {send: mail_a}]}}
"""
LATEST = JOURNEY.replace("templates: pinned\n", "")


def store(client: TestClient, subject: str) -> dict[str, Any]:
    answer = client.put("/v1/templates/hello", json={"subject": subject, "html": "<p>Hi</p>"})
    assert answer.status_code == 200, answer.text
    return answer.json()


def publish(client: TestClient, text: str) -> dict[str, Any]:
    assert client.put("/v1/journeys/w", content=text).status_code == 200
    return client.post("/v1/journeys/w/publish").json()


def enter(client: TestClient, parts: Parts, *customers: str) -> None:
    """They come to their first mail, which is planned."""
    for one in customers:
        client.put(f"/v1/customers/{one}", json={"attributes": {"email": f"{one}@example.com"}})
        client.post("/v1/track", json={"userId": one, "event": "Signed Up"})
    with parts.database.reading() as session:
        runs = session.exec(select(Enrollment).where(col(Enrollment.wakes) == 0)).all()
    for run in runs:
        Shell(parts.database, run).wake(parts.clock())


async def sent(parts: Parts) -> list[str]:
    """The subjects of what goes, by the mails' addresses."""
    lane = parts.lane("journey")
    lane.take()
    await lane.pump()
    await lane.drain()
    with parts.database.reading() as session:
        return [one.subject for one in session.exec(select(OutboxMail).order_by(col(OutboxMail.to_address))).all()]


async def test_a_pinned_version_keeps_the_template_it_was_published_with(client: TestClient, parts: Parts) -> None:
    store(client, "First")
    assert publish(client, JOURNEY)["number"] == 1
    assert client.get("/v1/journeys/w/versions/1").json()["templates"] == {"hello": 1, "mail_a": None}
    enter(client, parts, "ann")
    assert store(client, "Second")["planned_mails"] == 0, "what is pinned does not carry it"
    enter(client, parts, "bob")
    assert await sent(parts) == ["First", "First"]
    with parts.database.reading() as session:
        assert {one.template_version for one in session.exec(select(Message)).all()} == {1}


async def test_a_version_that_pins_nothing_sends_the_newest(client: TestClient, parts: Parts) -> None:
    store(client, "First")
    publish(client, LATEST)
    enter(client, parts, "ann")
    assert store(client, "Second")["planned_mails"] == 1
    assert client.get("/v1/templates/hello/usage").json() == {
        "journeys": ["w"], "broadcasts": [], "pinned": [], "planned_mails": 1,
    }  # fmt: skip
    assert await sent(parts) == ["Second"]
    assert client.get("/v1/templates/hello/usage").json()["planned_mails"] == 0, "it has gone"


async def test_a_template_that_was_a_file_stays_that_file(client: TestClient, parts: Parts) -> None:
    publish(client, JOURNEY.replace("send: hello", "send: mail_b"))
    enter(client, parts, "ann")
    answer = client.put("/v1/templates/mail_b", json={"subject": "Mine", "html": "<p>Hi</p>"})
    assert answer.status_code == 200
    assert "Mine" not in await sent(parts)


async def test_publishing_once_more_pins_to_what_the_templates_are_now(client: TestClient, parts: Parts) -> None:
    store(client, "First")
    publish(client, JOURNEY)
    assert publish(client, JOURNEY)["created"] is False
    store(client, "Second")
    again = publish(client, JOURNEY)
    assert (again["number"], again["created"]) == (2, True)
    enter(client, parts, "ann")
    assert await sent(parts) == ["Second"]


async def test_whoever_comes_behind_a_publish_that_only_pins_anew_enters_that_version(
    client: TestClient, parts: Parts
) -> None:
    store(client, "First")
    publish(client, JOURNEY)
    enter(client, parts, "ann")
    store(client, "Second")
    assert publish(client, JOURNEY)["number"] == 2
    enter(client, parts, "bob")
    assert await sent(parts) == ["First", "Second"]


async def test_the_way_back_takes_the_pinned_templates_along(client: TestClient, parts: Parts) -> None:
    store(client, "First")
    publish(client, JOURNEY)
    store(client, "Second")
    publish(client, JOURNEY.replace("1 day", "2 days"))
    client.post("/v1/journeys/w/rollback", json={"version": 1})
    enter(client, parts, "ann")
    assert await sent(parts) == ["First"]


def test_a_template_that_is_pinned_is_not_removed(client: TestClient) -> None:
    store(client, "First")
    publish(client, JOURNEY)
    publish(client, LATEST.replace("{send: hello}, ", ""))
    refused = client.delete("/v1/templates/hello")
    assert (refused.status_code, refused.json()["path"]) == (409, "pinned")
    assert refused.json()["detail"] == "version 1 of w is pinned to the template 'hello'; archive it first"
    assert client.get("/v1/templates/hello/usage").json()["pinned"] == [
        {"journey": "w", "number": 1, "template_version": 1}
    ]
    assert client.post("/v1/journeys/w/versions/1/archive").status_code == 200
    assert client.delete("/v1/templates/hello").status_code == 204


@pytest.mark.parametrize("text", [LATEST, JOURNEY])
def test_a_version_whose_template_is_gone_is_not_published_again(client: TestClient, text: str) -> None:
    store(client, "First")
    publish(client, LATEST)
    publish(client, text.replace("{send: hello}, ", ""))
    assert client.delete("/v1/templates/hello").status_code == 204
    refused = client.post("/v1/journeys/w/rollback", json={"version": 1})
    assert (refused.status_code, refused.json()["path"]) == (409, "template_gone")
    assert refused.json()["detail"] == "it sends 'hello': there is no such template any more"


def test_nobody_uses_what_is_not_there(client: TestClient) -> None:
    assert client.get("/v1/templates/nowhere/usage").status_code == 404
