"""Work that keeps a core busy for a second or two: apart from the event loop, and one piece at a time.

Whoever comes meanwhile waits for their turn, within the time that the edge gives every request.
"""

import asyncio
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

Returned = TypeVar("Returned")


class HeavyWork:
    """The turn that such work takes; one for each app."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()

    async def run(self, work: Callable[[], Returned]) -> Returned:
        """What `work` returns, or raises, once its turn has come."""
        async with self._turn:
            return await run_in_threadpool(work)


def heavy_work(request: Request) -> HeavyWork:
    """The app's own."""
    return request.app.state.heavy_work


TheHeavyWork = Annotated[HeavyWork, Depends(heavy_work)]
