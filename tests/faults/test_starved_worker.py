"""A worker that gets 6% of its time: it loses its lanes again and again, and mails nobody twice.

`make test` stops it once, in the middle of its calls. `make test-faults` does it for 100 seconds with 300 mails, on each
database; as often as the first proof did it, with each period, with WAYPOST_FAULTS_RUNS=10.
"""

import os
from pathlib import Path

import pytest

from tests.faults.databases import KINDS, Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.starving import starve
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
RUNS = int(os.environ.get("WAYPOST_FAULTS_RUNS", 1))
CUSTOMERS, SECONDS = (100, 100.0) if FULL else (30, 13.0)
PERIODS = (13.0, 1.0)
"""Seconds: in the longer one it misses its heartbeats and loses its lanes each time, in the shorter it is merely slow."""


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("server", KINDS, indirect=True)
@pytest.mark.parametrize("run", range(RUNS))
def test_a_worker_at_six_percent_of_its_time_mails_nobody_twice(
    tmp_path: Path, server: Postgres | None, run: int, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    try:
        made.start()
        worker = made.process("worker")
        assert worker is not None
        made.sign_up(range(CUSTOMERS))
        made.stack.until(lambda: sink.under_way > 0)
        starve(worker, SECONDS, PERIODS[run % len(PERIODS)])
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"run {run}, lanes taken {made.lanes_taken()} times: {books}")
    measured.tell(f"a worker at 6% of its time, run {run}, {made.kind}", books, CUSTOMERS * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, CUSTOMERS * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0
