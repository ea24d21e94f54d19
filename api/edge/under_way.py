"""Requests under way: how many there are, a thread for each that wants one, and an answer for one that takes too long.

SQLite has one writer, and a request that has its turn opens its transaction in one thread, works in another and commits
in a third. Were threads few, those who wait for that turn would have them all, and whoever has it would wait for one of
them, for ever. So threads are as many as requests, and those are bounded: whoever comes beyond that waits for a place,
with nothing in hand.

A thread cannot be stopped. A request whose time is up is answered at once; it keeps its place, and is undone when its
thread comes back: whoever closed the transaction in which a thread still works would leave it open, with its locks.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import anyio.to_thread
import structlog
from anyio import CancelScope

AT_ONCE = 600
"""Requests of one process; connections are as many (`waypost.processes.connections`)."""

log = structlog.get_logger("waypost.api")


class RequestsUnderWay:
    """Those of one process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)
        self._given_up = set[asyncio.Task[None]]()

    async def run(self, work: Callable[[], Awaitable[None]], seconds: float | None, given_up: CancelScope) -> None:
        """Do the work of a request; raise TimeoutError when its time is up, and what the work raises until then.

        `given_up` is cancelled then. One of which nobody can say how long it takes (`seconds` is None) takes no place.
        """
        anyio.to_thread.current_default_thread_limiter().total_tokens = math.inf
        place = self._places if seconds is not None else nullcontext()

        async def in_a_place() -> None:
            with given_up:
                async with place:
                    await work()

        task = asyncio.create_task(in_a_place())
        try:
            await asyncio.wait({task}, timeout=seconds)
        finally:
            if not task.done():
                given_up.cancel()
                self._given_up.add(task)
                task.add_done_callback(self._undone)
        if not task.done():
            raise TimeoutError
        task.result()

    def _undone(self, task: "asyncio.Task[None]") -> None:
        """Its caller has an answer; what was raised behind that is for the log."""
        self._given_up.discard(task)
        error = None if task.cancelled() else task.exception()
        if error is not None:
            log.error("given_up_request_failed", error=type(error).__name__, exc_info=error)
