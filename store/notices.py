"""Something was written: whoever waits for work looks at once, and asks nothing while nothing happens.

On PostgreSQL a trigger on each table that holds work notifies with the commit (LISTEN, NOTIFY); on SQLite the file's
`data_version` tells that another connection has written. Neither says what: a notice means "look". A notice may be
lost with its connection, so whoever waits also looks by itself now and then.
"""

import asyncio
from contextlib import suppress

import structlog
from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from store.session import Database

CHANNEL = "waypost"
"""Where the triggers of the migrations notify."""

LOOK_EVERY = 0.03
"""Seconds between two looks at SQLite's data_version, each of some ten microseconds: nobody feels the wait, and a
process that idles costs less than a thousandth of a core."""

AGAIN = 1.0
"""Seconds after which a lost connection is opened again."""

log = structlog.get_logger("waypost.notices")


class Notices:
    """The notices of one process; `run` hears them, any number of tasks `wait` for them."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written = asyncio.Event()

    async def wait(self, seconds: float) -> None:
        """Return when something was written, at the latest after so many seconds."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._written.wait(), seconds)

    async def run(self) -> None:
        """Hear notices until cancelled; without a connection everybody looks by themselves."""
        url = self._database.engine.url
        listen = self._sqlite if url.get_backend_name() == "sqlite" else self._postgresql
        while True:
            try:
                await listen(url)
            except (SQLAlchemyError, OSError) as error:
                log.warning("notices_lost", error=type(error).__name__)
            self._tell()
            await asyncio.sleep(AGAIN)

    def _tell(self) -> None:
        self._written.set()
        self._written = asyncio.Event()

    async def _postgresql(self, url: URL) -> None:
        import psycopg  # nine megabytes, which an installation on SQLite does without

        plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
        try:
            async with await psycopg.AsyncConnection.connect(plain, autocommit=True) as connection:
                await connection.execute(f"LISTEN {CHANNEL}")
                self._tell()
                async for _ in connection.notifies():
                    self._tell()
        except psycopg.Error as error:
            raise ConnectionError(type(error).__name__) from None

    async def _sqlite(self, _: URL) -> None:
        raw = self._database.engine.raw_connection()
        try:
            cursor, seen = raw.cursor(), None
            while True:
                version = cursor.execute("PRAGMA data_version").fetchone()[0]
                if version != seen:
                    seen = version
                    self._tell()
                await asyncio.sleep(LOOK_EVERY)
        finally:
            raw.close()
