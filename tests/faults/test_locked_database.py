"""Somebody else holds the database for a minute: nothing is acknowledged that is not kept, and all goes on by itself.

`make test-faults` does it for 60 seconds, on PostgreSQL too.
"""

import os
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest

from tests.faults.databases import KINDS, Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
SECONDS, CUSTOMERS = (60.0, 200) if FULL else (8.0, 20)


@contextmanager
def held(made: Installation) -> Iterator[None]:
    """Nobody else writes (on PostgreSQL: or reads mails and enrollments)."""
    if made.url.startswith("sqlite"):
        holder = sqlite3.connect(made.url.removeprefix("sqlite:///"), isolation_level=None, timeout=60)
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")
        holder.close()
    else:
        with psycopg.connect(made.url) as connection:
            connection.execute("LOCK TABLE message, enrollment, event IN ACCESS EXCLUSIVE MODE")
            yield
            connection.rollback()


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_a_database_that_somebody_else_holds_is_waited_for(
    tmp_path: Path, server: Postgres | None, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    try:
        made.start()
        made.sign_up(range(CUSTOMERS // 2))
        deadline = time.monotonic() + 300
        while not sink.got:
            assert time.monotonic() < deadline, "no mail went"
            time.sleep(0.05)
        signing = threading.Thread(target=made.sign_up, args=(range(CUSTOMERS // 2, CUSTOMERS),))
        with held(made):
            signing.start()
            until = time.monotonic() + SECONDS
            while time.monotonic() < until:
                assert signing.is_alive(), "nothing is acknowledged that cannot be kept"
                time.sleep(0.2)
        signing.join(300)
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(books)
    measured.tell(f"database held for {SECONDS:.0f} s, {made.kind}", books, CUSTOMERS * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses) == (CUSTOMERS, {"accepted": CUSTOMERS * len(TEMPLATES)})
