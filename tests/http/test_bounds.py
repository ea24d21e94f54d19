"""What one request may take from the others: turns for what keeps a core busy."""

import asyncio
import threading

import pytest
from fastapi.testclient import TestClient

from api.edge.heavy_work import HeavyWork


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


@pytest.mark.usefixtures("welcome")
def test_a_map_is_the_same_each_time(client: TestClient) -> None:
    first, again = (client.get("/v1/journeys/welcome/map?counts=true&theme=dark") for _ in range(2))
    assert (first.status_code, first.headers["content-type"]) == (200, "image/svg+xml")
    assert first.text == again.text
