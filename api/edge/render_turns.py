"""Renders of templates that somebody is still writing: each may take seconds, and a thread of the API meanwhile.

So they get few threads, and each key fewer: whoever tries many endless templates waits for themselves, others preview
beside them, and everything else of the API has its threads.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable
from typing import Annotated, TypeVar

from fastapi import Depends, Request
from fastapi.concurrency import run_in_threadpool

AT_ONCE = 8
"""Renders of all keys together: a fifth of the API's threads (40)."""

OWN = 3
"""Renders of one key."""

FromRender = TypeVar("FromRender")


class RenderTurns:
    """The turns; one for each app."""

    def __init__(self) -> None:
        self._all = asyncio.Semaphore(AT_ONCE)
        self._own: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(OWN))

    async def run(self, key_id: str, work: Callable[[], FromRender]) -> FromRender:
        """What `work` returns, or raises, once the turn of this key has come."""
        async with self._own[key_id], self._all:
            return await run_in_threadpool(work)


def render_turns(request: Request) -> RenderTurns:
    """The app's own."""
    return request.app.state.render_turns


TheRenderTurns = Annotated[RenderTurns, Depends(render_turns)]
