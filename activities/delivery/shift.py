"""The delivery activity: keeps one lane going for a shift, heartbeating; the workflow starts the next shift."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities.signatures import DELIVER
from services.messages.claiming import Fenced

IDLE = 0.25
"""Seconds between two looks at a lane in which nothing is due."""

SHIFT = timedelta(minutes=30)
"""Half of the time that the workflow gives it (`workflows.delivery.SHIFT`), so that it always ends by itself."""

log = structlog.get_logger("waypost.delivery")


class LaneWork(Protocol):
    """What one owner at a time does, round by round: a lane of mail, the hooks, the upkeep."""

    def take(self) -> int:
        """Become the owner; return how much the last one left in the middle."""
        ...

    async def pump(self) -> int:
        """Do one round; return how much was due. Raise Fenced where there is another owner by now."""
        ...

    async def when_idle(self) -> int:
        """Do what is done when there is nothing due; return how much of it there was."""
        ...

    async def close(self) -> None:
        """Finish what was begun."""
        ...


class Delivery:
    """Keeps one lane running for a shift, heartbeating; the workflow starts the next shift."""

    def __init__(self, open_lane: Callable[[str], LaneWork]) -> None:
        self._open_lane = open_lane

    @activity.defn(name=DELIVER)
    async def deliver(self, lane_name: str) -> None:
        """Work as the owner of a lane until the shift ends, the worker stops, or another owner takes it over."""
        lane = self._open_lane(lane_name)
        left = await asyncio.to_thread(lane.take)
        if left:
            log.warning("mails_left_in_the_middle", lane=lane_name, count=left)
        try:
            await self._shift(lane)
        finally:
            await lane.close()

    async def _shift(self, lane: LaneWork) -> None:
        ends = asyncio.get_running_loop().time() + SHIFT.total_seconds()
        with suppress(Fenced):
            while asyncio.get_running_loop().time() < ends and not activity.is_worker_shutdown():
                activity.heartbeat()
                if not await lane.pump():
                    await lane.when_idle()
                    await asyncio.sleep(IDLE)
