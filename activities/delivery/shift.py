"""The delivery activity: keeps one lane going for a shift, heartbeating; the workflow starts the next shift."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import structlog
from temporalio import activity

from activities import meters
from activities.signatures import DELIVER
from services.errors import Fenced

SHIFT = timedelta(minutes=30)
"""Half of the time that the workflow gives it (`workflows.delivery.SHIFT`), so that it always ends by itself."""

LONGER = timedelta(minutes=15)
"""How much longer a shift may be where it would else wait for a call that takes minutes, with nobody at work. With the
longest call there is (`MailSender.longest`) it still ends by itself."""

BEAT = 4.0
"""Seconds between two heartbeats: a third of the time after which Temporal gives the lane to another worker. The worker
is told to send each of them (the SDK would hold them back for four fifths of that time)."""

APART = 0.25
"""Seconds between two looks of a lane that finds nothing while others write all the time. At each notice, up to thirty
times a second, they cost the worker a fifth of its CPU (40 ms for each of 15 events a second, 32 without)."""

log = structlog.get_logger("waypost.delivery")


Wait = Callable[[float], Awaitable[None]]
"""Returns when something was written since it last did, at the latest after so many seconds."""


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

    def rest(self) -> float:
        """Seconds until something may be due, as far as the last round could see."""
        ...

    def takes_long(self) -> bool:
        """Whether something was begun that may take minutes still."""
        ...

    async def drain(self) -> None:
        """Wait until what was begun has come to its end."""
        ...

    async def close(self) -> None:
        """Take nothing more on, finish what was begun, give the rest back."""
        ...


class Delivery:
    """Keeps one lane running for a shift, heartbeating; the workflow starts the next shift.

    `listen` makes what one lane waits with; `beat` is told of the beginning and of each round, `ended` of the end.
    """

    def __init__(
        self,
        open_lane: Callable[[str], LaneWork],
        listen: Callable[[], Wait] = lambda: asyncio.sleep,
        beat: Callable[[str], None] = lambda part: None,
        ended: Callable[[str], None] = lambda part: None,
    ) -> None:
        self._open_lane = open_lane
        self._listen = listen
        self._beat = beat
        self._ended = ended

    @activity.defn(name=DELIVER)
    async def deliver(self, lane_name: str) -> None:
        """Work as the owner of a lane until the shift ends, the worker stops, or another owner takes it over.

        Whatever else a round raises is raised, after the lane was closed; Temporal begins another shift.
        """
        lane = self._open_lane(lane_name)
        heart = asyncio.create_task(_keep_beating())
        meters.show_zeros()
        self._beat(f"lane/{lane_name}")
        try:
            left = await asyncio.to_thread(lane.take)
            log.info("lane_taken", lane=lane_name, attempt=activity.info().attempt)
            if left:
                log.warning("mails_left_in_the_middle", lane=lane_name, count=left)
            await self._shift(lane, lane_name)
        finally:
            try:
                await lane.close()
            finally:
                heart.cancel()
                self._ended(f"lane/{lane_name}")

    async def _shift(self, lane: LaneWork, name: str) -> None:
        began, wait = asyncio.get_running_loop().time(), self._listen()
        with suppress(Fenced):
            while _goes_on(lane, began) and not activity.is_worker_shutdown():
                done = await lane.pump()
                self._beat(f"lane/{name}")
                if not done and not await lane.when_idle():
                    await self._rest(wait, lane.rest())

    async def _rest(self, wait: Wait, seconds: float) -> None:
        """Until something is written, something is due, or the worker stops."""
        waits = {
            asyncio.ensure_future(wait(seconds)),
            asyncio.ensure_future(activity.wait_for_worker_shutdown()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in waits:
                one.cancel()


def _goes_on(lane: LaneWork, began: float) -> bool:
    longest = SHIFT + LONGER if lane.takes_long() else SHIFT
    return asyncio.get_running_loop().time() < began + longest.total_seconds()


async def _keep_beating() -> None:
    """Whatever the lane waits for, Temporal knows that its owner lives."""
    while True:
        activity.heartbeat()
        await asyncio.sleep(BEAT)
