"""The disk under the home is full, for a while: writes are refused and said, and all goes on by itself afterwards.

The disk is a file system of its own, small and in memory, which takes root on Linux to mount.
"""

import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests import postgresql
from tests.faults.databases import Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

SIZE = "160m"
SIZE_OF_A_SERVER = "320m"
"""A database of PostgreSQL, with its log."""

LINES = 1_500
"""Requests, each a line of a log: twice what a pipe holds that nobody reads (64 KB)."""


@contextmanager
def small_disk(folder: Path, size: str) -> Iterator[Path]:
    """A disk of this size at an empty folder, open to every user."""
    options = f"size={size},mode=755"
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.fail(
            f"a small disk cannot be mounted ({mounted.stderr.decode().strip()}): this test is to be run as root"
        )
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small disk."""
    folder = tmp_path / "disk"
    folder.mkdir()
    with small_disk(folder, SIZE) as made:
        yield made


@pytest.fixture
def disk_of_a_server() -> Iterator[Path]:
    """One that a database server can have, who is another user where tests run as root."""
    folder = Path(tempfile.mkdtemp(prefix="waypost-disk-"))
    folder.chmod(0o755)
    with small_disk(folder, SIZE_OF_A_SERVER) as made:
        yield made
    folder.rmdir()


def fill(disk: Path) -> Path:
    """Take all the room there is, to the last byte."""
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        for size in (1024 * 1024, 4096, 1):
            with suppress(OSError):
                while True:
                    file.write(b"\0" * size)
    return ballast


def tracked(made: Installation) -> httpx.Response:
    return made.stack.answer("POST", "/v1/track", json={"userId": "somebody", "event": "Looked"})


def refused(made: Installation, disk: Path) -> bool:
    """Whether a write is refused for want of room; what was left over here and there is taken meanwhile."""
    with (disk / "ballast").open("ab", buffering=0) as more, suppress(OSError):
        more.write(b"\0" * 4096)
    answer = tracked(made)
    assert answer.status_code in (200, 503, 507), answer.text
    return answer.status_code == 507 and answer.json()["type"] == "urn:waypost:problem:disk-full"


def ready(made: Installation) -> dict[str, Any]:
    answer = httpx.get(f"{made.stack.url}/readyz", timeout=30, trust_env=False)
    return {**answer.json(), "code": answer.status_code}


@pytest.mark.timeout(1_200)
def test_a_full_disk_is_said_and_passes_by_itself_and_a_signal_is_heard_all_along(
    disk: Path, tmp_path: Path, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(disk, sink)
    made.stack.log = tmp_path / "up.log"
    try:
        made.start()
        made.sign_up(range(10))
        ballast = fill(disk)
        made.stack.until(lambda: refused(made, disk))
        told = ready(made)
        assert (told["code"], told["room"]) == (503, False)
        made.stack.until(lambda: "no room on the disk" in " ".join(made.stack.log.read_text().split()))
        with httpx.Client(trust_env=False, timeout=30) as client:
            for _ in range(LINES):
                assert client.get(f"{made.stack.url}/healthz").status_code == 200, "nobody stands in an unread pipe"
        ballast.unlink()
        made.stack.until(lambda: tracked(made).status_code == 200)
        made.stack.until(lambda: "there is room on the disk again" in " ".join(made.stack.log.read_text().split()))
        made.stack.until(lambda: ready(made)["code"] == 200)
        made.sign_up(range(10, 20))
        made.until_settled(600)
        books = made.books()
        fill(disk)
        made.stack.until(lambda: refused(made, disk))
        begun = time.monotonic()
        made.stack.stop()
        assert time.monotonic() - begun < 60
    finally:
        (disk / "ballast").unlink(missing_ok=True)
        made.stack.stop()
        sink.stop()
    print(books)
    measured.tell("a full disk", books, 20 * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (20, 20 * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0


@pytest.mark.timeout(1_200)
@pytest.mark.at_size
def test_a_full_disk_under_postgresql_is_said_and_passes_by_itself(
    disk_of_a_server: Path, tmp_path: Path, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    with postgresql.server(disk_of_a_server) as running:
        server = Postgres(running)
        made = Installation(tmp_path, sink, server)
        try:
            made.start()
            made.sign_up(range(10))
            ballast = fill(disk_of_a_server)
            made.stack.until(lambda: refused(made, disk_of_a_server))
            ballast.unlink()
            running.ensure_postgres_running()  # a server that cannot write its log stops, and is started by its owner
            made.stack.until(lambda: tracked(made).status_code == 200)
            made.sign_up(range(10, 20))
            made.until_settled(600)
            books = made.books()
        finally:
            made.stack.stop()
            sink.stop()
            (disk_of_a_server / "ballast").unlink(missing_ok=True)
    print(books)
    measured.tell("a full disk under PostgreSQL", books, 20 * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (20, 20 * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0
