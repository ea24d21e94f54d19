"""SQLite, the embedded database: a file in the home, one writer at a time, instants as text."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Any

from sqlalchemy import JSON, Connection, Engine, String, UnaryExpression, event
from sqlalchemy.dialects.sqlite import insert
from sqlalchemy.sql.operators import custom_op

from store.dialects.interface import Dialect
from store.dialects.write_turn import WriteTurn

BUSY_MS = 60_000
"""Milliseconds that a transaction waits for another process's write lock: longer than any transaction of ours takes."""

LOOK_EVERY, LOOK_AT_LEAST = 0.03, 0.12
"""Seconds between two looks at the file's `data_version`: while something is written nobody feels the wait. Where
nothing is they are ever longer up to the second, since a look costs a wake of the process, a tenth of a millisecond."""

LONGER = 1.1
"""How much longer the next wait is behind a look that has seen nothing: 0.8 s of quiet until the longest."""

PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}")
"""What each connection begins with. FULL: what is committed is on the disk, so that neither an event that was
acknowledged nor a mail that was frozen is forgotten when the power fails. `bench/durability.py` measures the price."""


def _prepare(engine: Engine) -> None:
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _set_pragmas)
    if engine.get_execution_options().get("mode") == "read":
        event.listen(engine, "connect", _only_read)
    event.listen(engine, "begin", _begin)


def _make_private(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
    """A new file is its owner's alone; SQLite gives the files beside it (the log, shared memory) the same rights.

    One that is there is never opened beside SQLite: with whatever handle of a file a process closes, it loses all its
    locks of that file. Whoever else closes the database then believes to be the last, and removes the log in which this
    process goes on to commit.
    """
    path = str(arguments[0])
    if path and path != ":memory:" and os.path.isdir(os.path.dirname(path) or "."):
        with suppress(FileExistsError):
            os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def _set_pragmas(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _only_read(connection: Any, _record: Any) -> None:
    """For as long as it is open.

    Where the pragma changes from one transaction to the next, SQLite compiles all anew that the connection has
    prepared, which is two fifths of the time.
    """
    connection.execute("PRAGMA query_only=ON")


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("mode")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")


async def _written(engine: Engine) -> AsyncIterator[None]:
    """The file's `data_version` tells that another connection has written."""
    raw = engine.raw_connection()
    try:
        cursor, seen, wait = raw.cursor(), None, LOOK_EVERY
        while True:
            version = cursor.execute("PRAGMA data_version").fetchone()[0]
            wait = min(wait * LONGER, LOOK_AT_LEAST) if version == seen else LOOK_EVERY
            if version != seen:
                seen = version
                yield
            await asyncio.sleep(wait)
    finally:
        raw.close()


def _turn(engine: Engine) -> WriteTurn:
    """By the file's own name, whatever link leads to it; one that is told as a URI has threads in turn alone."""
    path = engine.url.database or ":memory:"
    return WriteTurn(None if path == ":memory:" or path.startswith("file:") else os.path.realpath(path))


def _leave(_error: BaseException) -> None:
    """It names tables and columns alone."""


def _plus(column: Any) -> Any:
    """The unary plus, which keeps a column's indexes out of the question; it changes no value."""
    return UnaryExpression(column, operator=custom_op("+"), type_=column.type)


def _as_it_is(value: Any) -> Any:
    return value


SQLITE = Dialect(
    name="sqlite",
    schemes=("sqlite:",),
    driver_url=_as_it_is,
    engine={
        "connect_args": {"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": None},
        "pool_size": 20,
        "max_overflow": 40,
    },
    prepare=_prepare,
    tell_no_values=_leave,
    written=_written,
    mark="?",
    insert=insert,
    copies=False,
    one_writer=True,
    turn=_turn,
    readers_apart=True,  # `_only_read`
    reading={},
    zones=False,
    json=JSON,
    text=String(),
    settled="base + 1",  # its one writer counts there, and has ended where somebody else reads
    beside=_plus,
    # where work was prepared before the write lock was taken
    between=("SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY"),
    full=("SQLITE_FULL", "SQLITE_IOERR_WRITE"),
    away=("SQLITE_BUSY", "SQLITE_CANTOPEN", "SQLITE_LOCKED"),
    refused=("SQLITE_ERROR",),  # malformed JSON, an overflow, too many values
)
"""The embedded database: one writer, and instants as text."""
