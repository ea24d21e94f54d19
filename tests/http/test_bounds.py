"""What one request may take from the others: turns for what keeps a core busy."""

import asyncio
import threading

import pytest
from fastapi.concurrency import run_in_threadpool
from fastapi.testclient import TestClient

from api.edge import render_turns
from api.edge.heavy_work import HeavyWork
from api.edge.render_turns import RenderTurns


async def test_heavy_work_is_done_one_piece_at_a_time_while_the_loop_goes_on() -> None:
    heavy, going, most = HeavyWork(), 0, 0
    begin = threading.Event()

    def work() -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        begin.wait(30)
        going -= 1

    pieces = [asyncio.create_task(heavy.run(work)) for _ in range(5)]
    await asyncio.sleep(0.05)
    begin.set()
    await asyncio.gather(*pieces)
    assert most == 1


async def test_work_that_fails_gives_its_turn_back() -> None:
    heavy = HeavyWork()

    def fail() -> None:
        raise ValueError("too tangled")

    with pytest.raises(ValueError, match="too tangled"):
        await heavy.run(fail)
    assert await heavy.run(lambda: 17) == 17


async def test_whoever_renders_much_waits_for_themselves_and_nobody_else() -> None:
    turns, end, going = RenderTurns(), threading.Event(), list[str]()

    def endless() -> None:
        going.append("endless")
        end.wait(30)

    tried = [asyncio.create_task(turns.run("key 1", endless)) for _ in range(20)]
    async with asyncio.timeout(20):
        assert await turns.run("key 2", lambda: "a preview") == "a preview"
    assert len(going) <= render_turns.OWN
    end.set()
    await asyncio.gather(*tried)
    assert len(going) == 20


async def test_renders_of_all_keys_together_leave_the_api_its_threads() -> None:
    turns, end, going = RenderTurns(), threading.Event(), asyncio.Queue[None]()
    loop = asyncio.get_running_loop()

    def endless() -> None:
        loop.call_soon_threadsafe(going.put_nowait, None)
        end.wait(30)

    tried = [asyncio.create_task(turns.run(f"key {one % 10}", endless)) for one in range(100)]
    async with asyncio.timeout(20):
        for _ in range(render_turns.AT_ONCE):
            await going.get()
        assert await run_in_threadpool(lambda: "something else") == "something else"
    assert going.empty()
    end.set()
    await asyncio.gather(*tried)


@pytest.mark.usefixtures("welcome")
def test_a_map_is_the_same_each_time(client: TestClient) -> None:
    first, again = (client.get("/v1/journeys/welcome/map?counts=true&theme=dark") for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert first.text == again.text
