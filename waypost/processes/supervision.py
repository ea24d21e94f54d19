"""Side tasks of a process, supervised: one that ends stops the process, whose supervisor starts it again.

A loop that dies in silence is worse than a process that dies aloud.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog

log = structlog.get_logger("waypost.supervision")


ENDS_WITHIN = 27.0
"""Seconds that tasks have to end, once cancelled: less than who stops a process waits before it kills (`waypost up`
30 s, docker-compose.yml 40 s), so that it says itself what it left."""


class SideTaskEnded(Exception):
    """A task that was to run for ever has ended; the cause is chained, where it raised."""


class CutOff(Exception):
    """Tasks have not ended in time; `left` names them. Their process must end without waiting for them."""

    def __init__(self, left: Sequence[str]) -> None:
        super().__init__(f"not ended in time: {', '.join(left)}")
        self.left = left


async def supervise(
    tasks: Mapping[str, Callable[[], Awaitable[None]]], stop: asyncio.Event, within: float = ENDS_WITHIN
) -> None:
    """Run these tasks, named, until `stop` is set, then cancel them and wait until they have ended.

    Raises SideTaskEnded when one of them ends before, and CutOff where some have not ended `within` so many seconds.
    """
    running: dict[asyncio.Future[Any], str] = {asyncio.ensure_future(start()): name for name, start in tasks.items()}
    try:
        await until(stop, running)
    finally:
        await _ended(running, within)


async def until(stop: asyncio.Event, running: Mapping[asyncio.Future[Any], str]) -> None:
    """Wait until `stop` is set; raise SideTaskEnded when one of these, which are named, ends before."""
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        stopping.cancel()
    ended = next((task for task in done if task is not stopping), None)
    if ended is not None and not stop.is_set():
        cause = None if ended.cancelled() else ended.exception()
        log.error("side_task_ended", task=running[ended], exc_info=cause)
        raise SideTaskEnded(f"the task {running[ended]} has ended") from cause


async def _ended(tasks: Mapping[asyncio.Future[Any], str], within: float) -> None:
    for task in tasks:
        task.cancel()
    if not tasks:
        return
    done, left = await asyncio.wait(tasks, timeout=within)
    await asyncio.gather(*done, return_exceptions=True)
    if left:
        raise CutOff(sorted(tasks[task] for task in left))
