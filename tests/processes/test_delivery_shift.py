"""A lane's activity: its heartbeats wait for nothing, least of all for the database."""

import asyncio
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from activities.delivery import shift
from activities.delivery.shift import Delivery
from services.errors import Fenced


class Waiting:
    """A lane whose every question to the database waits for five heartbeats; another owner has taken it over then."""

    def __init__(self) -> None:
        self.long = False
        self.closed = False
        self.told = list[Any]()

    def five_beats(self) -> None:
        begun, limit = len(self.told), time.monotonic() + 60
        while len(self.told) < begun + 5:
            assert time.monotonic() < limit, "no heartbeat goes on"
            time.sleep(0.01)

    def take(self) -> int:
        self.five_beats()
        return 0

    async def pump(self) -> int:
        await asyncio.to_thread(self.five_beats)
        raise Fenced("another owner")

    async def when_idle(self) -> int:
        return 0

    def rest(self) -> float:
        return 0.01

    def takes_long(self) -> bool:
        return self.long

    async def drain(self) -> None: ...

    async def close(self) -> None:
        await asyncio.to_thread(self.five_beats)
        self.closed = True


@pytest.fixture
def beats(monkeypatch: pytest.MonkeyPatch) -> Callable[[Waiting], Any]:
    """Runs the activity on a lane; how often it told Temporal that it lives."""
    monkeypatch.setattr(shift, "BEAT", 0.1)

    async def run(lane: Waiting) -> int:
        env = ActivityEnvironment()
        env.on_heartbeat = lambda *details: lane.told.append(details)
        await env.run(Delivery(lambda name: lane).deliver, "journey")
        return len(lane.told)

    return run


async def test_heartbeats_go_on_while_the_database_waits_and_until_the_lane_is_closed(beats: Any) -> None:
    lane = Waiting()
    assert await beats(lane) >= 15
    assert lane.closed


class Idle(Waiting):
    """A lane with nothing due, and perhaps a call that takes minutes."""

    def take(self) -> int:
        return 0

    async def pump(self) -> int:
        return 0


@pytest.mark.parametrize(("long", "longer"), [(False, 60.0), (True, 2.0)])
async def test_a_shift_ends_later_where_it_would_have_to_wait_for_a_call_that_takes_minutes(
    beats: Any, monkeypatch: pytest.MonkeyPatch, long: bool, longer: float
) -> None:
    monkeypatch.setattr(shift, "SHIFT", timedelta(seconds=0.2))
    monkeypatch.setattr(shift, "LONGER", timedelta(seconds=longer))
    lane = Idle()
    lane.long = long
    begun = time.monotonic()
    await beats(lane)
    assert lane.closed
    took = time.monotonic() - begun
    assert took > longer if long else took < longer
