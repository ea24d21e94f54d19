"""A journey or a segment that is stored and cannot be read, as after an upgrade, stops itself and nobody else."""

from collections.abc import Iterator

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import text

from journeys.program import compiler
from services.enrollments.entering import customer_events
from services.reports.health import backlog
from tests.conftest import HandClock
from waypost.doctor.standing_still import standing_still
from waypost.wiring import Parts

JOURNEY = """journey: {key}
enter: [{{on: Signed Up}}]
start: a
stages: {{a: {{steps: [{{wait: 3 days}}], final: true}}}}
"""
BY_TIME = "customer.events['Signed Up'].last_at < now - duration('24h')"


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    """What the process has read before is read anew, as after a start."""
    customer_events._LOADED.clear()  # pyright: ignore[reportPrivateUsage]
    getattr(compiler.load, "cache_clear", lambda: None)()
    yield
    customer_events._LOADED.clear()  # pyright: ignore[reportPrivateUsage]


def damage(parts: Parts, statement: str) -> None:
    with parts.database.writing() as session:
        session.connection().execute(text(statement))
    customer_events._LOADED.clear()  # pyright: ignore[reportPrivateUsage]


def stuck(parts: Parts, clock: HandClock) -> dict[str, int]:
    with parts.database.reading() as session:
        return {kind: count for kind, count in backlog.measure(session, clock()).stuck.items() if count}


def test_a_journey_that_cannot_be_read_lets_nobody_in_and_holds_up_no_event(
    client: TestClient, parts: Parts, clock: HandClock
) -> None:
    for key in ("good", "bad"):
        client.put(f"/v1/journeys/{key}", content=JOURNEY.format(key=key))
        assert client.post(f"/v1/journeys/{key}/publish").status_code == 200
    damage(parts, "UPDATE journey_version SET canonical = replace(canonical, '3 days', '3 dayz') WHERE journey = 'bad'")
    said = client.post("/v1/track", json={"userId": "ann", "event": "Signed Up"})
    assert (said.status_code, said.json()["accepted"]) == (200, 1)
    assert [one["journey"] for one in client.get("/v1/enrollments").json()["items"]] == ["good"]
    assert stuck(parts, clock) == {"journey": 1}
    anew = JOURNEY.format(key="bad").replace("3 days", "4 days")
    assert client.put("/v1/journeys/bad", content=anew).status_code == 200
    assert client.post("/v1/journeys/bad/publish").status_code == 200
    assert stuck(parts, clock) == {}


async def test_a_segment_that_cannot_be_read_keeps_its_members_and_holds_up_nothing(
    client: TestClient, parts: Parts, clock: HandClock
) -> None:
    assert client.put("/v1/segments/bad", json={"guard": BY_TIME}).status_code in (200, 201)
    assert client.put("/v1/segments/good", json={"guard": "customer.plan == 'team'"}).status_code in (200, 201)
    damage(parts, "UPDATE segment SET guard = 'customer.(' WHERE key = 'bad'")
    assert client.put("/v1/customers/ann", json={"attributes": {"plan": "team"}}).status_code in (200, 201)
    lane = parts.pumped("upkeep")
    lane.take()
    clock.forward(hours=1)
    while await lane.pump():
        pass
    assert client.get("/v1/customers", params={"segment": "good"}).json()["items"] != []
    assert stuck(parts, clock) == {"segment": 1}
    assert client.put("/v1/segments/bad", json={"guard": "customer.plan == 'solo'"}).status_code == 200
    assert stuck(parts, clock) == {}


def test_the_books_and_the_doctor_name_them_with_what_to_do(client: TestClient, parts: Parts) -> None:
    client.put("/v1/journeys/bad", content=JOURNEY.format(key="bad"))
    assert client.post("/v1/journeys/bad/publish").status_code == 200
    assert client.put("/v1/segments/late", json={"guard": BY_TIME}).status_code in (200, 201)
    before = client.get("/v1/reports/reconciliation").json()
    assert (before["unreadable_journeys"], before["unreadable_segments"], standing_still(before)) == ([], [], [])
    damage(parts, "UPDATE journey_version SET canonical = replace(canonical, '3 days', '3 dayz') WHERE journey = 'bad'")
    damage(parts, "UPDATE segment SET guard = 'customer.(' WHERE key = 'late'")
    books = client.get("/v1/reports/reconciliation").json()
    assert (books["unreadable_journeys"], books["unreadable_segments"]) == (["bad"], ["late"])
    journey, segment = standing_still(books)
    assert "the journey bad cannot be read" in journey
    assert "`waypost rollback bad --to N`" in journey
    assert "the segment late cannot be read" in segment
    assert "PUT /v1/segments/late" in segment
