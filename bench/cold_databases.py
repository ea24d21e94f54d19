"""Databases that can be made cold: nothing of them is in memory."""

import os
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import psycopg

from store.session import Database
from tests import postgresql


class Server(Protocol):
    """A database of its own, in a folder."""

    name: str

    def __init__(self, folder: Path) -> None: ...
    @property
    def url(self) -> str: ...
    def cool(self, database: Database) -> None:
        """See to it that nothing of it is in memory."""
        ...

    def close(self) -> None: ...


class Sqlite:
    name = "SQLite"

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def url(self) -> str:
        return f"sqlite:///{self._folder / 'waypost.db'}"

    def cool(self, database: Database) -> None:
        database.close()
        _forget(self._folder)

    def close(self) -> None:
        """Nothing: the folder goes."""


class Postgresql:
    name = "PostgreSQL"

    def __init__(self, _folder: Path) -> None:
        self._open = ExitStack()
        self._server = self._open.enter_context(postgresql.server())
        base, _, rest = self._server.get_uri().rpartition("/postgres?")
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE waypost")
        self.url = f"{base}/waypost?{rest}"

    def cool(self, database: Database) -> None:
        database.close()
        self._server.stop()
        _forget(self._server.pgdata)
        self._server.ensure_postgres_running()

    def close(self) -> None:
        self._open.close()


def _forget(folder: Path) -> None:
    """The kernel lets go of the files in a folder."""
    os.sync()
    for file in folder.rglob("*"):
        if file.is_file():
            descriptor = os.open(file, os.O_RDONLY)
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
            os.close(descriptor)
