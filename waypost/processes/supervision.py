"""Side tasks of a process, supervised: one that ends stops the process, whose supervisor starts it again.

A loop that dies in silence is worse than a process that dies aloud.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import structlog

log = structlog.get_logger("waypost.supervision")


class SideTaskEnded(Exception):
    """A task that was to run for ever has ended; the cause is chained, where it raised."""


async def supervise(tasks: Mapping[str, Callable[[], Awaitable[None]]], stop: asyncio.Event) -> None:
    """Run these tasks, named, until `stop` is set; raise SideTaskEnded when one of them ends before."""
    running: dict[asyncio.Future[Any], str] = {asyncio.ensure_future(start()): name for name, start in tasks.items()}
    stopping: asyncio.Future[Any] = asyncio.ensure_future(stop.wait())
    try:
        done, _ = await asyncio.wait({stopping, *running}, return_when=asyncio.FIRST_COMPLETED)
        ended = next((task for task in done if task is not stopping), None)
        if ended is not None and not stop.is_set():
            cause = None if ended.cancelled() else ended.exception()
            log.error("side_task_ended", task=running[ended], exc_info=cause)
            raise SideTaskEnded(f"the task {running[ended]} has ended") from cause
    finally:
        for task in (stopping, *running):
            task.cancel()
        await asyncio.gather(stopping, *running, return_exceptions=True)
