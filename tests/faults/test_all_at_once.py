"""Everything is killed at one instant, its supervisor and database too, again and again, and started by the same command.

`make test-faults` does it five times with 250 customers, on each database.
"""

import os
import random
import threading
import time
from pathlib import Path

import psutil
import pytest

from tests.faults.databases import KINDS, Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
TIMES, CUSTOMERS = (5, 250) if FULL else (1, 30)


@pytest.mark.timeout(2_400)
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_whatever_was_under_way_when_the_machine_stopped_nobody_is_lost_or_mailed_twice(
    tmp_path: Path, server: Postgres | None, measured: Measured
) -> None:
    chance = random.Random(7)
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    try:
        made.start()
        signing = threading.Thread(target=made.sign_up, args=(range(CUSTOMERS),))
        signing.start()
        for _ in range(TIMES):
            before, until = sum(sink.got.values()), time.monotonic() + 60
            while sum(sink.got.values()) == before and time.monotonic() < until:
                time.sleep(0.05)
            time.sleep(chance.uniform(0, 3))
            tree = [*made.stack.tree(), *(server.processes() if server is not None else ())]
            for one in tree:
                try:
                    one.kill()
                except psutil.NoSuchProcess:
                    continue
            _, alive = psutil.wait_procs(tree, timeout=30)
            assert alive == []
            if server is not None:
                server.kill([])  # whoever owns it starts it again
            made.stack.process = None
            made.stack.start()
        signing.join(300)
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(books)
    measured.tell(f"everything killed at once, {TIMES} times, {made.kind}", books, CUSTOMERS * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, CUSTOMERS * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0
