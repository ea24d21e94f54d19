"""A value that somebody asks for and cannot read is counted, whoever asks: triggers, segments, filters of templates."""

import asyncio
from typing import Any

import pytest
from fastapi.testclient import TestClient
from sqlmodel import select

from store.tables.enrollments import Enrollment
from tests.conftest import HandClock
from tests.shells import Shell
from waypost.wiring import Parts

BIG = "journey: big\nenter: [{on: Ordered, when: 'number(event.properties.size) > 3.0'}]\nstart: a\nstages: {a: {steps: [{exit: done}]}}"
THANKS = "journey: thanks\nenter: [{on: Thanked}]\nstart: a\nstages: {a: {steps: [{send: bill}], final: true}}"


def published(client: TestClient, key: str, text: str) -> None:
    assert client.put(f"/v1/journeys/{key}", content=text).status_code == 200
    assert client.post(f"/v1/journeys/{key}/publish").status_code == 200


def unreadable(client: TestClient) -> list[tuple[str, str, int, list[str]]]:
    found: list[dict[str, Any]] = client.get("/v1/unreadable-values").json()["items"]
    return [(one["source"], one["field"], one["count"], one["examples"]) for one in found]


def test_the_guard_of_a_trigger(client: TestClient) -> None:
    published(client, "big", BIG)
    for size in ("XL", "4", "XXL"):
        client.post("/v1/track", json={"userId": "ann", "event": "Ordered", "properties": {"size": size}})
    assert unreadable(client) == [("journey big", "event.properties.size", 2, ["XL", "XXL"])]


def test_the_guard_of_a_segment(client: TestClient) -> None:
    assert client.put("/v1/segments/grown", json={"guard": "number(customer.age) > 17.0"}).status_code == 200
    client.post("/v1/identify", json={"userId": "ann", "traits": {"age": "seventeen"}})
    client.post("/v1/identify", json={"userId": "bob", "traits": {"age": "18"}})
    assert unreadable(client) == [("segment grown", "customer.age", 1, ["seventeen"])]


def test_a_filter_of_a_template(client: TestClient, parts: Parts, clock: HandClock) -> None:
    bill = {"subject": "Your bill", "html": "<p>{{ customer.saved | currency }}</p>"}
    assert client.put("/v1/templates/bill", json=bill).status_code == 200
    published(client, "thanks", THANKS)
    client.post("/v1/identify", json={"userId": "ann", "traits": {"email": "ann@example.com", "saved": "39,90 EUR"}})
    client.post("/v1/track", json={"userId": "ann", "event": "Thanked"})
    with parts.database.reading() as session:
        shell = Shell(parts.database, session.exec(select(Enrollment)).one())
    shell.wake(clock())
    asyncio.run(_deliver(parts))
    assert unreadable(client) == [("template bill", "| currency", 1, ["39,90 EUR"])]
    (mail,) = client.get("/v1/customers/ann/messages").json()["items"]
    assert (mail["status"], mail["reason"]) == ("failed", "template_failed")
    (told,) = [one for one in client.get("/v1/customers/ann/timeline").json()["items"] if one["what"] == "failed"]
    assert "39,90" not in str(told["detail"]["explanation"])


async def _deliver(parts: Parts) -> None:
    lane = parts.lane("journey")
    lane.take()
    while await lane.pump():
        await lane.drain()
    await lane.close()


@pytest.mark.parametrize("filter_name", ["currency", "number", "percent", "date", "time", "datetime"])
def test_each_filter_says_what_it_could_not_read(parts: Parts, filter_name: str) -> None:
    from mail.rendering.renderer import Renderer
    from mail.rendering.templates import Stored, TemplateProblem

    stored = Stored(key="k", version=1, subject="s", html=f"{{{{ customer.x | {filter_name} }}}}", text="")
    with pytest.raises(TemplateProblem) as failed:
        Renderer().render("k", {"customer": {"x": "soon"}}, stored=stored)
    assert (failed.value.unread, "soon" in str(failed.value)) == ((filter_name, "soon"), False)
