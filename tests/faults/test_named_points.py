"""Real processes die, by SIGKILL, at each named point of the way of a mail: nobody is lost, and no mail comes twice.

`points.sitecustomize` puts the points into the processes; the product knows nothing of them. `make test-faults` passes
all of them on both databases.
"""

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from tests.faults.test_everything_killed import Postgres
from tests.postgresql import server
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
SQLITE, POSTGRESQL = "sqlite", "postgresql"
KINDS = (SQLITE, POSTGRESQL) if FULL else (SQLITE,)
POINTS = (
    "after take", "before _claim", "after _claim", "before _freeze", "after _freeze", "before send", "after send",
    "before _write", "after _write", "before _wake", "after _wake", "before _meet", "after _meet", "before _lease",
    "after _lease", "before _finish", "after _finish", "before _behind", "after _behind", "after a request",
)  # fmt: skip
"""Taking a lane over; claiming, freezing, handing over and recording mail; waking at rows and at deadlines; leasing rows
for Temporal, and taking them away; finding workflows that are behind; and a request of the API that is committed and not
answered."""

TRIED = POINTS if FULL else ("after _freeze", "after send", "after _wake")
EACH = 4
"""Customers who sign up while a point is armed."""

WITHIN = 180.0
"""Seconds in which somebody has come to the point, on a busy machine."""


@contextmanager
def database(kind: str) -> Iterator[str | None]:
    with server() if kind == POSTGRESQL else nullcontext() as running:
        yield Postgres(running).url if running is not None else None


@pytest.mark.timeout(3_000)
@pytest.mark.parametrize("kind", KINDS)
def test_whoever_dies_at_a_named_point_nobody_is_lost_and_no_mail_comes_twice(
    tmp_path: Path, kind: str, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    with database(kind) as url:
        made = Installation(tmp_path, sink, url)
        armed = tmp_path / "armed"
        armed.mkdir()
        made.stack.env |= {"PYTHONPATH": str(Path(__file__).parent / "points"), "POINTS_ARMED": str(armed)}
        came, deadly = 0, list[str]()
        try:
            made.start(tmp_path)
            for point in TRIED:
                (armed / point).touch()
                if point == "after take":  # somebody is to take it over
                    (armed / "before _claim").touch()
                limit = time.monotonic() + WITHIN
                while any(armed.iterdir()) and time.monotonic() < limit:
                    made.sign_up(range(came, came + EACH))
                    came += EACH
                    time.sleep(2)
                deadly += [] if any(armed.iterdir()) else [point]
                for one in armed.iterdir():
                    one.unlink()
            made.until_settled(900)
            books = made.books()
        finally:
            made.stack.stop()
            sink.stop()
    print(f"{came} customers; died {deadly}; {books}")
    measured.tell(f"SIGKILL at {len(TRIED)} named points, {kind}", books, came * len(TEMPLATES))
    assert deadly == list(TRIED), "each of them was passed, and somebody died there"
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (came, came * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}


TIMES = 3
"""Deaths of the database."""


@pytest.mark.timeout(1_200)
@pytest.mark.at_size
def test_a_yes_that_the_provider_gave_while_the_database_died_is_written_down(
    tmp_path: Path, measured: Measured
) -> None:
    """The worker lives on, and nothing is unknown: what was said is kept until it can be written."""
    sink = SmtpSink()
    sink.start()
    with server() as running:
        died, database = 0, Postgres(running)
        made, armed = Installation(tmp_path, sink, database.url), tmp_path / "armed"
        armed.mkdir()
        made.stack.env |= {"PYTHONPATH": str(Path(__file__).parent / "points"), "POINTS_ARMED": str(armed)}
        try:
            made.start(tmp_path)
            for number in range(TIMES):
                tree = database.processes()
                (armed / "after send").write_text(str(tree[0].pid))
                made.sign_up(range(number * EACH, (number + 1) * EACH))
                limit = time.monotonic() + WITHIN
                while any(armed.iterdir()) and time.monotonic() < limit:
                    time.sleep(0.05)
                died += not any(armed.iterdir())
                database.kill(tree)
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
