"""Engines and transactions.

A writing transaction on SQLite takes the one write lock at its start (BEGIN IMMEDIATE), so that what it reads first is
what it changes later; on PostgreSQL `customers.lock` does the same for one customer. Nothing below commits: the edge
does.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager, nullcontext
from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlmodel import Session, create_engine

BUSY_MS = 60_000


def open_engine(url: str) -> Engine:
    """An engine for `sqlite:///PATH` or `postgresql://…`."""
    if url.startswith("sqlite"):
        return _sqlite(url)
    url = url.replace("postgres://", "postgresql://", 1).replace("postgresql://", "postgresql+psycopg://", 1)
    return create_engine(url, pool_size=20, max_overflow=20, pool_pre_ping=True)


def _sqlite(url: str) -> Engine:
    connect = {"check_same_thread": False, "timeout": BUSY_MS / 1000, "isolation_level": None}
    engine = create_engine(url, connect_args=connect, pool_size=20, max_overflow=40)
    event.listen(engine, "connect", _prepare)
    event.listen(engine, "begin", _begin)
    return engine


def _prepare(connection: Any, _record: Any) -> None:
    cursor = connection.cursor()
    for pragma in ("journal_mode=WAL", "synchronous=NORMAL", "foreign_keys=ON", f"busy_timeout={BUSY_MS}"):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    writes = connection.get_execution_options().get("writes", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


class Database:
    """One database; hands out transactions."""

    def __init__(self, url: str) -> None:
        self.engine = open_engine(url)
        self._writer = self.engine.execution_options(writes=True)
        self._turn: Any = threading.Lock() if self.engine.dialect.name == "sqlite" else nullcontext()

    @contextmanager
    def writing(self) -> Generator[Session, None, None]:
        """A transaction that is committed when the block ends well, and undone when it raises.

        SQLite has one writer: the threads of this process queue here, instead of polling for its lock.
        """
        with self._turn, Session(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    @contextmanager
    def reading(self) -> Generator[Session, None, None]:
        """A transaction that sees one state of the database and changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    def close(self) -> None:
        self.engine.dispose()
