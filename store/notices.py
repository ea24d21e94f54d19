"""Something was written: whoever waits for work looks at once, and asks nothing while nothing happens.

How a database tells differs (`store.dialects`), and none says what was written: a notice means "look". A notice may
be lost with its connection, so whoever waits also looks by itself now and then.
"""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy.exc import SQLAlchemyError

from store import dialect
from store.session import Database

AGAIN = 1.0
"""Seconds after which a lost connection is opened again."""

log = structlog.get_logger("waypost.notices")


class Notices:
    """The notices of one process; `run` hears them, and any number of tasks wait for them, each with its listener."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._told = 0
        self._written = asyncio.Event()

    def listener(self, apart: float = 0.0) -> "NoticeListener":
        """What one task waits with; while others write all the time, its waits end so many seconds apart at least."""
        return NoticeListener(self, apart)

    @property
    def told(self) -> int:
        """How often something was told until now."""
        return self._told

    async def next(self, seconds: float) -> None:
        """Return when something is told, at the latest after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._written.wait(), seconds)

    async def run(self) -> None:
        """Hear notices until cancelled; without a connection everybody looks by themselves."""
        engine = self._database.engine
        written = dialect.named(engine.dialect.name).written
        while True:
            try:
                async for _ in written(engine):
                    self._tell()
            except (SQLAlchemyError, OSError) as error:
                log.warning("notices_lost", error=type(error).__name__)
            self._tell()
            await asyncio.sleep(AGAIN)

    def _tell(self) -> None:
        self._told += 1
        self._written.set()
        self._written = asyncio.Event()


class NoticeListener:
    """One task's ear: it misses nothing that is told while the task looks."""

    def __init__(self, notices: Notices, apart: float) -> None:
        self._notices = notices
        self._apart = apart
        self._heard = notices.told
        self._soonest = 0.0

    async def wait(self, seconds: float) -> None:
        """Return when something was written since the last return, at the latest after so many seconds.

        Behind a quiet while it returns at once.
        """
        now = asyncio.get_running_loop().time
        ends = now() + seconds
        if self._heard == self._notices.told:
            await self._notices.next(seconds)
        await asyncio.sleep(max(0.0, min(self._soonest, ends) - now()))
        self._heard, self._soonest = self._notices.told, now() + self._apart
