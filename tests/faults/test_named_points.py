"""Real processes die, by SIGKILL, at each named point of the way of a mail: nobody is lost, and no mail comes twice.

`points.sitecustomize` puts the points into the processes; the product knows nothing of them. `make test-faults` passes
all of them, and on PostgreSQL those behind a commit or a call.
"""

import os
import time
from pathlib import Path

import pytest

from tests.faults.databases import KINDS, POSTGRESQL, SQLITE, Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
POINTS = (
    "after take", "before _claim", "after _claim", "before _freeze", "after _freeze", "before send", "after send",
    "before _write", "after _write", "before _wake", "after _wake", "before _meet", "after _meet", "before _lease",
    "after _lease", "before _finish", "after _finish", "before _behind", "after _behind", "after a request",
)  # fmt: skip
"""Taking a lane over; claiming, freezing, handing over and recording mail; waking at rows and at deadlines; leasing rows
for Temporal, and taking them away; finding workflows that are behind; and a request of the API that is committed and not
answered."""

TRIED = {
    SQLITE: POINTS if FULL else ("after _freeze", "after send", "after _wake"),
    POSTGRESQL: tuple(one for one in POINTS if one.startswith("after")),
}
"""On PostgreSQL where something is kept and not told: before, it is a transaction that is undone, as on the other."""

MEANWHILE = ("before _behind", "after _behind")
"""Those to which somebody comes when a workflow is behind, minutes later: armed from the beginning, and waited for last."""

EACH = 4
"""Customers who sign up while a point is armed."""

WITHIN = 360.0
"""Seconds in which somebody has come to the point: a workflow is behind for five minutes at most."""


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_whoever_dies_at_a_named_point_nobody_is_lost_and_no_mail_comes_twice(
    tmp_path: Path, server: Postgres | None, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    tried = TRIED[made.kind]
    armed = tmp_path / "armed"
    armed.mkdir()
    made.stack.env |= {"PYTHONPATH": str(Path(__file__).parent / "points"), "POINTS_ARMED": str(armed)}
    came, deadly = 0, list[str]()
    try:
        made.start()
        meanwhile = [one for one in MEANWHILE if one in tried]
        for point in meanwhile:
            (armed / point).touch()
        for point in (*(one for one in tried if one not in meanwhile), *meanwhile):
            now = ["before _claim", point] if point == "after take" else [point]  # somebody is to take it over
            for one in now if point not in meanwhile else ():
                (armed / one).touch()
            limit = time.monotonic() + WITHIN
            while any((armed / one).exists() for one in now) and time.monotonic() < limit:
                made.sign_up(range(came, came + EACH))
                came += EACH
                time.sleep(2)
            deadly += [] if any((armed / one).exists() for one in now) else [point]
            for one in now:
                (armed / one).unlink(missing_ok=True)
        made.until_settled(900)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"{came} customers; died {deadly}; {books}")
    measured.tell(f"SIGKILL at {len(tried)} named points, {made.kind}", books, came * len(TEMPLATES))
    assert sorted(deadly) == sorted(tried), "each of them was passed, and somebody died there"
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (came, came * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}


TIMES = 3
"""Deaths of the database."""


@pytest.mark.timeout(1_200)
@pytest.mark.at_size
@pytest.mark.parametrize("server", [POSTGRESQL], indirect=True)
def test_a_yes_that_the_provider_gave_while_the_database_died_is_written_down(
    tmp_path: Path, server: Postgres, measured: Measured
) -> None:
    """The worker lives on, and nothing is unknown: what was said is kept until it can be written."""
    sink = SmtpSink()
    sink.start()
    died = 0
    made, armed = Installation(tmp_path, sink, server), tmp_path / "armed"
    armed.mkdir()
    made.stack.env |= {"PYTHONPATH": str(Path(__file__).parent / "points"), "POINTS_ARMED": str(armed)}
    try:
        made.start()
        for number in range(TIMES):
            tree = server.processes()
            (armed / "after send").write_text(str(tree[0].pid))
            made.sign_up(range(number * EACH, (number + 1) * EACH))
            limit = time.monotonic() + WITHIN
            while any(armed.iterdir()) and time.monotonic() < limit:
                time.sleep(0.05)
            died += not any(armed.iterdir())
            server.kill(tree)
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"died {died} times; {books}")
    measured.tell(
        f"PostgreSQL killed right after the provider's yes, {TIMES} times", books, TIMES * EACH * len(TEMPLATES)
    )
    assert died == TIMES
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses) == (TIMES * EACH, {"accepted": TIMES * EACH * len(TEMPLATES)})
