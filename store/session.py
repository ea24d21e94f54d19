"""Engines, and the one way to a transaction.

    write(work)     a unit of work: `work(session)` in one transaction, done again where another came between
    reading()       one state of the database, read and not changed: whatever would change something raises
    writing()       the transaction of a request, which stays open over several functions (`api.deps.transactions`)

Nothing below the edge commits. What a transaction changes it has locked first: on SQLite by the one write lock, which
is taken at its start (BEGIN IMMEDIATE), on PostgreSQL by the rows of its customers (`store.queries.customers.lock` and
`lock_all`, in the order of their ids) before any other row.
"""

import json
import os
import threading
from collections.abc import Callable, Generator
from contextlib import contextmanager, nullcontext
from typing import Any, Protocol, TypeVar

import orjson
from sqlalchemy import Connection, Engine, ExceptionContext, event
from sqlalchemy.exc import DBAPIError, IntegrityError, OperationalError
from sqlmodel import Session, create_engine

from store import dialect

BUSY_MS = 60_000
"""Milliseconds that SQLite waits for another process's write lock: longer than any transaction of ours takes."""

ATTEMPTS = 10
"""Of one unit of work. Each failure means that another's succeeded, so nine in a row are a fault and not a crowd."""

RACES = frozenset({"23505", "23503", "40001", "40P01"})
"""PostgreSQL's codes where another came between: the same new row, a row gone, serialization, a deadlock."""

SQLITE_RACES = frozenset({"SQLITE_CONSTRAINT_UNIQUE", "SQLITE_CONSTRAINT_PRIMARYKEY", "SQLITE_CONSTRAINT_FOREIGNKEY"})
"""SQLite's: where work was prepared before the write lock was taken."""

Result = TypeVar("Result")


class Collected(Protocol):
    """What a transaction collects, to be written at its end."""

    def write(self, session: Session) -> None:
        """Write it, and begin anew."""
        ...


Collecting = TypeVar("Collecting", bound=Collected)


def collected(session: Session, make: type[Collecting]) -> Collecting:
    """The one collection of this kind in the session's transaction; `Database.writing` writes it before the commit."""
    return session.info.setdefault(make, make())


def _dumps(value: Any) -> str:
    try:
        return orjson.dumps(value).decode()
    except TypeError:  # a number of more than 64 bits, say
        return json.dumps(value)


ALWAYS: dict[str, Any] = {"json_serializer": _dumps, "json_deserializer": orjson.loads, "hide_parameters": True}
"""JSON columns the fastest way there is, since every event passes it; no error tells the values of a statement."""


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql://…`; nothing connects before it is first used.

    Up to 60 connections on SQLite and 40 on PostgreSQL, where each process counts against `max_connections`.
    """
    if url.startswith("sqlite"):
        return _sqlite(url)
    url = url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    engine = create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True, **ALWAYS)
    event.listen(engine, "handle_error", _scrub)
    return engine


def _scrub(context: ExceptionContext) -> None:
    for error in (context.original_exception, context.sqlalchemy_exception):
        if error is not None:
            dialect.tell_no_values(error)


def _sqlite(url: str) -> Engine:
    connect = {"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": None}
    engine = create_engine(url, connect_args=connect, pool_size=20, max_overflow=40, **ALWAYS)
    event.listen(engine, "do_connect", _make_private)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _make_private(_dialect: Any, _record: Any, arguments: list[Any], _options: Any) -> None:
    """A new file is its owner's alone; SQLite gives the files beside it (the log, shared memory) the same rights."""
    path = str(arguments[0])
    if path and path != ":memory:" and os.path.isdir(os.path.dirname(path) or "."):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))


def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    mode = connection.get_execution_options().get("mode")
    connection.exec_driver_sql(f"PRAGMA query_only = {int(mode == 'read')}")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if mode == "write" else "BEGIN")


def came_between(error: DBAPIError) -> bool:
    """Whether another transaction came between, so that the same work may succeed when it is done again."""
    code = getattr(error.orig, "sqlstate", None) or getattr(error.orig, "sqlite_errorname", None)
    return code in RACES or code in SQLITE_RACES


class Database:
    """One database; hands out transactions."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        here = dialect.named(self.engine.dialect.name)
        self._reader = self.engine.execution_options(mode="read", **here.reading)
        self._writer = self.engine.execution_options(mode="write")
        self._turn: Any = threading.Lock() if here.one_writer else nullcontext()

    @contextmanager
    def writing(self) -> Generator[Session, None, None]:
        """A transaction that is committed when the block ends well, and undone when it raises; it is not repeated.

        SQLite has one writer: the threads of this process queue here, instead of polling for its lock.
        """
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session
            session.flush()
            for one in session.info.values():
                one.write(session)

    def write(self, work: Callable[[Session], Result]) -> Result:
        """Do `work` in a transaction of its own, and return what it returns once that is committed.

        Where another came between (`came_between`) it is undone and done again, ATTEMPTS times at most: so `work` reads
        what it needs inside, and changes nothing but rows. Whatever else it raises undoes it and is raised.
        """
        for attempt in range(ATTEMPTS):
            try:
                with self.writing() as session:
                    return work(session)
            except (IntegrityError, OperationalError) as error:
                if attempt == ATTEMPTS - 1 or not came_between(error):
                    raise
        raise AssertionError("unreachable")

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """A transaction that sees one state of the database, and can change nothing."""
        with Session(self._reader, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        """Close its connections. It can be used again, and opens others then."""
        self.engine.dispose()
