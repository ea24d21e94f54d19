"""Worker, API, Temporal and PostgreSQL are killed in turn, while customers sign up and are mailed.

`make test-faults` does it with 600 customers, three mails each, and a kill every 15 seconds; the size of the first proof is
WAYPOST_FAULTS_CUSTOMERS=2500.
"""

import os
import threading
import time
from itertools import cycle
from pathlib import Path

import pytest

from mail.providers.smtp.sender import SmtpSender
from tests.faults.databases import POSTGRESQL, Postgres
from tests.faults.installation import TEMPLATES, Books, Installation, every
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
CUSTOMERS = int(os.environ.get("WAYPOST_FAULTS_CUSTOMERS", 600 if FULL else 40))
EVERY = 15.0 if FULL else 4.0
LEAST = 4
"""Kills at least: each part once, and in `make test` no more."""

SLOTS = 3 * SmtpSender("smtp://localhost").at_once
"""Calls of a worker that may be under way: those as they should be, and twice as many that take long."""

NOTED = 1.0
"""Seconds between an instant and its note: of a kill, of an outcome."""


@pytest.mark.timeout(5_400)
@pytest.mark.parametrize("server", [POSTGRESQL], indirect=True)
def test_whatever_is_killed_nobody_is_mailed_twice_and_nobody_is_lost(
    tmp_path: Path, server: Postgres, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    kills: list[tuple[float, str]] = []
    try:
        made.start()
        signing = threading.Thread(target=sign_up_all_along, args=(made,))
        signing.start()
        wanted = CUSTOMERS * len(TEMPLATES)
        victims = cycle(("worker", "postgresql", "api", "temporal"))
        limit = time.monotonic() + 3_600

        def done() -> bool:
            enough = len(sink.got) >= wanted * 0.95 or not FULL
            return (len(kills) >= LEAST and enough) or time.monotonic() > limit

        for at in every(EVERY, done):
            victim = next(victims)
            if victim == "postgresql":
                server.kill()
            elif (process := made.process(victim)) is not None:
                at = time.time()
                process.kill()
            else:
                continue
            kills.append((at, victim))
            print(f"{victim} killed, {len(sink.got)} mails so far", flush=True)
        signing.join(600)
        made.until_settled(900)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    told = unknown_by_kill(kills, books, sink)
    print(f"{len(kills)} kills; by kill of a worker (unknown, calls): {told}; {books}")
    measured.tell(f"worker, API, Temporal, PostgreSQL killed in turn ({len(kills)})", books, wanted)
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, wanted)
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0
    assert len(books.unknown_at) == sum(unknown for unknown, _ in told), "nothing but a worker's death leaves any"
    assert [one for one in told if one[0] > one[1]] == []


def sign_up_all_along(made: Installation) -> None:
    """A part of them before each of the first kills, so that mails are under way at each."""
    part = -(-CUSTOMERS // LEAST)
    for first in range(0, CUSTOMERS, part):
        made.sign_up(range(first, min(first + part, CUSTOMERS)))
        time.sleep(EVERY)


def unknown_by_kill(kills: list[tuple[float, str]], books: Books, sink: SmtpSink) -> list[tuple[int, int]]:
    """For each kill of a worker: how many mails it left unknown, and how many calls were under way for it then.

    For its owner a call is over when its outcome is written, which takes seconds on a busy machine, and longer where the
    database was killed before: as many as it took any mail of this run. No more are ever under way than it has slots.
    """
    at = [when for when, victim in kills if victim == "worker"]
    spans = zip(at, [*at[1:], float("inf")], strict=True)
    return [
        (
            sum(begin < one <= end for one in books.unknown_at),
            min(SLOTS, sink.under_way_between(begin - books.written_within - NOTED, begin + NOTED)),
        )
        for begin, end in spans
    ]
