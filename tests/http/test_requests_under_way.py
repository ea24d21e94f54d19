"""Many requests at once: none waits for a thread that others keep who wait for it; and one that takes too long."""

import asyncio
import gc
import threading
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.edge import under_way
from api.edge.under_way import RequestsUnderWay
from api.routes import journeys as journey_routes
from store.session import Database
from tests.conftest import database_url
from waypost.processes import connections
from waypost.processes.api import build
from waypost.wiring import Parts

CROWD = 120
"""Three times the threads that the framework would have."""


@pytest.fixture(autouse=True)
def nobody_collects() -> Iterator[None]:
    """What is open is closed by whoever opened it, not by the garbage collector, which comes seldom to a server."""
    gc.disable()
    yield
    gc.enable()


@pytest.fixture(params=["sqlite", "postgresql"])
def parts(request: pytest.FixtureRequest, parts: Parts, tmp_path: Path) -> Parts:
    """On each database."""
    if request.param == "postgresql":
        parts.__dict__["database"] = Database(database_url("postgresql", request, tmp_path))
    return parts


@pytest.fixture
async def calls(parts: Parts, keys: dict[str, str], welcome: Any) -> AsyncIterator[httpx.AsyncClient]:
    """Calls that run at the same time, in one process."""
    transport = httpx.ASGITransport(build(parts), client=("127.0.0.1", 50_000))
    headers = {"Authorization": f"Bearer {keys['admin']}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8000", headers=headers) as made:
        yield made


@pytest.mark.timeout(120)
@pytest.mark.parametrize("keyed", [False, True])
async def test_more_requests_write_at_once_than_there_are_threads(calls: httpx.AsyncClient, keyed: bool) -> None:
    def key(number: int) -> dict[str, str]:
        return {"Idempotency-Key": f"k{number}"} if keyed else {}

    paused = [calls.post("/v1/journeys/welcome/pause", headers=key(one)) for one in range(CROWD)]
    tracked = [
        calls.post("/v1/track", json={"userId": f"u{one}", "event": "Signed Up"}, headers=key(CROWD + one))
        for one in range(CROWD)
    ]
    seen = [calls.get("/v1/journeys/welcome") for _ in range(CROWD)]
    answers = await asyncio.gather(*(one for three in zip(paused, tracked, seen, strict=True) for one in three))
    codes = [one.status_code for one in answers]
    assert sorted(codes[0::3]) == [200, *[409] * (CROWD - 1)], "paused once"
    assert set(codes[1::3]) == {200}
    assert set(codes[2::3]) == {200}


async def test_one_that_works_too_long_is_answered_at_once_and_undone_when_its_thread_comes_back(
    calls: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on, pause = threading.Event(), journey_routes.journey_controls.pause

    def slow(*given: Any) -> Any:
        assert goes_on.wait(60)
        return pause(*given)

    monkeypatch.setattr(journey_routes.journey_controls, "pause", slow)
    monkeypatch.setattr("api.edge.limits.SECONDS", 0.3)
    answer = await calls.post("/v1/journeys/welcome/pause")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:waypost:problem:timed-out")
    monkeypatch.setattr("api.edge.limits.SECONDS", 30.0)
    monkeypatch.setattr(journey_routes.journey_controls, "pause", pause)
    goes_on.set()
    assert (await calls.post("/v1/journeys/welcome/pause")).status_code == 200, "the one before was undone"


async def test_one_whose_body_does_not_come_leaves_its_place(
    calls: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(under_way, "AT_ONCE", 1)
    monkeypatch.setattr("api.edge.limits.SECONDS", 0.3)

    async def never() -> AsyncIterator[bytes]:
        yield b"{"
        await asyncio.Event().wait()

    for _ in range(3):
        answer = await calls.post("/v1/track", content=never())
        assert (answer.status_code, answer.json()["type"]) == (503, "urn:waypost:problem:timed-out")
    monkeypatch.setattr("api.edge.limits.SECONDS", 30.0)
    assert (await calls.get("/v1/journeys/welcome")).status_code == 200


def test_requests_have_as_many_places_as_there_are_connections() -> None:
    assert under_way.AT_ONCE == connections.MOST
    assert RequestsUnderWay()._places._value == connections.MOST  # pyright: ignore[reportPrivateUsage]
