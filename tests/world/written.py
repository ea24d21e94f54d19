"""`store.notices.Notices` of the world: whoever waits hears of each commit, and of each move of the clock."""

import asyncio
from contextlib import suppress

LONGEST = 60.0
"""Seconds of a wait at most, whatever was asked for: nothing is written that nobody is told of."""


class Written:
    """Tells; `count` is how often."""

    def __init__(self) -> None:
        self.count = 0
        self._event = asyncio.Event()

    def tell(self) -> None:
        """Something was written, or it is later than one thought."""
        self.count += 1
        self._event.set()
        self._event = asyncio.Event()

    def listener(self, apart: float = 0.0) -> "Listener":
        """What one task waits with."""
        return Listener(self)

    async def next(self) -> None:
        """Return at the next telling, or after LONGEST."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._event.wait(), LONGEST)


class Listener:
    """One task's ear."""

    def __init__(self, written: Written) -> None:
        self._written, self._heard = written, written.count

    async def wait(self, seconds: float) -> None:
        """Return when something was told since the last return."""
        if self._heard == self._written.count:
            await self._written.next()
        self._heard = self._written.count
