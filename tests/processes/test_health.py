"""The `/healthz` of a worker: which parts run in this process, and whether each does its rounds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

import httpx
import pytest

from activities.delivery.shift import Delivery
from services.messages.sending.claiming import Fenced
from store import bulk
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.tables.enrollments import Dispatch
from waypost.processes.health import HealthPort
from waypost.stack.free_port import free_port
from waypost.wiring import Parts


@pytest.fixture
async def url(parts: Parts, clock: Any) -> AsyncIterator[str]:
    """Where this process answers."""
    port = free_port()
    running = asyncio.create_task(HealthPort(f"127.0.0.1:{port}", parts.pulses, parts.database, clock).run())
    async with httpx.AsyncClient(timeout=60) as client:
        for _ in range(200):
            with suppress(httpx.TransportError):
                await client.get(f"http://127.0.0.1:{port}/")
                break
            await asyncio.sleep(0.02)
    yield f"http://127.0.0.1:{port}/healthz"
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def asked(url: str, method: str = "GET") -> tuple[int, Any]:
    async with httpx.AsyncClient(timeout=60) as client:
        answer = await client.request(method, url)
        return answer.status_code, answer.json() if answer.content else None


async def test_a_process_without_a_part_is_well(url: str) -> None:
    assert await asked(url) == (200, {"status": "ok", "database": True, "parts": []})
    assert (await asked(url.replace("healthz", "metrics")))[0] == 404
    assert await asked(url, "HEAD") == (200, None)


async def test_a_part_that_does_no_round_is_told_with_what_waits_for_it(url: str, parts: Parts, clock: Any) -> None:
    for part in ("ahead/pokes", "dispatcher/bulk", "lane/journey"):
        parts.pulses.beat(part)
    with parts.database.writing() as session:
        row = dispatches.row("e1", "enrollment/x", "poke", {}, Priority.SIGNAL, clock())
        bulk.add(session, Dispatch, [row])
    clock.forward(seconds=9)
    parts.pulses.beat("lane/journey")
    clock.forward(seconds=3)
    status, told = await asked(url)
    assert (status, told["status"], told["database"]) == (503, "degraded", True)
    assert told["parts"] == [
        {"part": "ahead/pokes", "last_round": 12.0, "waiting": 12.0, "works": False},
        {"part": "dispatcher/bulk", "last_round": 12.0, "waiting": 0.0, "works": False},
        {"part": "lane/journey", "last_round": 3.0, "waiting": 0.0, "works": True},
    ]


async def test_a_part_whose_shift_is_over_is_another_processs(url: str, parts: Parts, clock: Any) -> None:
    class Lane:
        def take(self) -> int:
            return 0

        async def pump(self) -> int:
            assert [one["part"] for one in (await asked(url))[1]["parts"]] == ["lane/journey"]
            raise Fenced("another has it")

        async def close(self) -> None:
            return None

        def takes_long(self) -> bool:
            return False

    from temporalio.testing import ActivityEnvironment

    delivery = Delivery(lambda name: Lane(), beat=parts.pulses.beat, ended=parts.pulses.ended)  # type: ignore[arg-type,return-value]
    await ActivityEnvironment().run(delivery.deliver, "journey")
    clock.forward(minutes=1)
    assert await asked(url) == (200, {"status": "ok", "database": True, "parts": []})


async def test_a_database_that_is_away_is_told_and_the_parts_all_the_same(
    url: str, parts: Parts, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sqlalchemy.exc import OperationalError

    def away() -> Any:
        raise OperationalError("SELECT 1", None, Exception("gone"))

    parts.pulses.beat("scheduler")
    monkeypatch.setattr(parts.database, "reading", away)
    status, told = await asked(url)
    assert (status, told["database"], [one["part"] for one in told["parts"]]) == (503, False, ["scheduler"])


async def test_whoever_sends_no_request_is_let_go_and_stops_nobody(url: str) -> None:
    host, port = url.removeprefix("http://").removesuffix("/healthz").split(":")
    _, silent = await asyncio.open_connection(host, int(port))
    reader, long = await asyncio.open_connection(host, int(port))
    long.write(b"GET /" + b"x" * 200_000)
    assert await asked(url) == (200, {"status": "ok", "database": True, "parts": []})
    with suppress(ConnectionError):
        assert await asyncio.wait_for(reader.read(), 10) == b""
    silent.close()
    long.close()
