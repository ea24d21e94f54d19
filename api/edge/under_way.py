"""Requests under way: how many there are, a thread for each that wants one, and an answer for one that takes too long.

SQLite has one writer, and a request that has its turn may want a thread once more, for its route, or for another
dependency. Were threads few, those who wait for that turn would have them all, and nobody would ever go on. So threads
are as many as requests, and those are bounded: whoever comes beyond that waits for a place, with nothing in hand.

A thread cannot be stopped. A request whose time is up is answered at once; what it has begun comes to its end behind
that answer, with its place, and is not undone under the hands of its thread.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable
from typing import Any

import anyio.to_thread
import structlog
from starlette.types import Message, Receive

AT_ONCE = 600
"""Requests of one process; connections are as many (`waypost.processes.connections`)."""

log = structlog.get_logger("waypost.api")


class BegunRequest:
    """One request: whether its time is up, and whether it waits for something that can be left."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._waits = False
        self.given_up = False

    async def receive(self) -> Message:
        """More of its body; whoever is given up has left."""
        if self.given_up:
            return {"type": "http.disconnect"}
        return await self.wait(self._receive())

    async def wait(self, coming: Awaitable[Any]) -> Any:
        """What comes; to wait for it may be ended."""
        self._waits = True
        try:
            return await coming
        finally:
            self._waits = False

    def give_up(self, task: "asyncio.Task[None]", *, answered: bool) -> None:
        """Its time is up. What waits, or streams an answer already, ends; what works comes to its own end."""
        self.given_up = True
        if self._waits or answered:
            task.cancel()


class RequestsUnderWay:
    """Those of one process."""

    def __init__(self) -> None:
        self._places = asyncio.Semaphore(AT_ONCE)

    async def run(
        self,
        request: BegunRequest,
        work: Callable[[], Awaitable[None]],
        seconds: float | None,
        answered: Callable[[], bool],
    ) -> None:
        """Do the work of a request; raise TimeoutError when its time is up, and whatever it raises until then.

        One of which nobody can say how long it takes (`seconds` is None) takes no place.
        """
        anyio.to_thread.current_default_thread_limiter().total_tokens = math.inf
        task = asyncio.create_task(self._work(request, work, placed=seconds is not None))
        try:
            await asyncio.wait({task}, timeout=seconds)
        except asyncio.CancelledError:
            task.cancel()
            raise
        if task.done():
            return task.result()
        request.give_up(task, answered=answered())
        task.add_done_callback(_tell_its_end)
        raise TimeoutError

    async def _work(self, request: BegunRequest, work: Callable[[], Awaitable[None]], *, placed: bool) -> None:
        if placed:
            await request.wait(self._places.acquire())
        try:
            await work()
        finally:
            if placed:
                self._places.release()


def _tell_its_end(task: "asyncio.Task[None]") -> None:
    """Its caller has an answer; what is raised behind that is for the log."""
    error = None if task.cancelled() else task.exception()
    if error is not None:
        log.error("given_up_request_failed", error=type(error).__name__, exc_info=error)
