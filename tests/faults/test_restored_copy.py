"""A backup is taken while everything runs, mail goes on, the home is lost and restored: nobody is mailed twice.

Not even where clients say again what happened meanwhile, and who came.

On PostgreSQL it is the dump of one database alone: Temporal knows better than the copy, and is reconciled with it.

Counted at the SMTP sink, which keeps what it has got. `make test-faults` does it with 40 customers, on each database.
"""

import os
import time
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.faults.databases import KINDS, POSTGRESQL, Postgres, postgresql_tool
from tests.faults.installation import Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
CUSTOMERS = int(os.environ.get("WAYPOST_FAULTS_CUSTOMERS", 40 if FULL else 8))
JOURNEY = """
journey: two
enter: [{on: Signed Up}]
defaults: {topic: general}
start: new
stages:
  new:
    steps: [{send: welcome}, {wait_for: {event: Looked Around, up_to: 1 hour}}, {send: our_story}]
    final: true
"""


def until_sent(sink: SmtpSink, count: int) -> None:
    deadline = time.monotonic() + 300
    while len(sink.got) < count:
        assert time.monotonic() < deadline, f"{len(sink.got)} mails of {count}"
        time.sleep(0.2)


def back_up(made: Installation, folder: Path) -> None:
    """While everything runs, as `docs/operate.md` tells it."""
    if made.kind == POSTGRESQL:
        return postgresql_tool("pg_dump", "-Fc", "--file", str(folder), "--dbname", made.url)
    for words in (("backup", str(folder)), ("backup", "--verify", str(folder))):
        taken = made.stack.run(*words)
        assert taken.returncode == 0, taken.stderr
    return None


def restore(made: Installation, folder: Path, taken: datetime) -> str:
    """Put it in the place of what is there; what was told."""
    words = ["restore", str(folder), "--json"]
    if made.kind == POSTGRESQL:
        postgresql_tool("pg_restore", "--clean", "--if-exists", "--no-owner", "--dbname", made.url, str(folder))
        words = ["db", "restored", "--taken", f"{taken:%Y-%m-%dT%H:%M:%SZ}"]
    restored = made.stack.run(*words)
    assert restored.returncode == 0, restored.stderr
    return restored.stdout


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_a_restored_copy_mails_nobody_twice(tmp_path: Path, server: Postgres | None, measured: Measured) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    folder = tmp_path / "backup"
    try:
        made.start(JOURNEY)
        made.sign_up(range(CUSTOMERS))
        until_sent(sink, CUSTOMERS)
        made.stack.until(lambda: made.with_a_fate() == CUSTOMERS)  # what is under way in a copy is in doubt there
        taken = datetime.now(UTC)
        back_up(made, folder)
        made.track("Looked Around", range(CUSTOMERS))
        made.sign_up(range(CUSTOMERS, CUSTOMERS + 1))
        made.track("Looked Around", range(CUSTOMERS, CUSTOMERS + 1))
        until_sent(sink, 2 * CUSTOMERS + 2)
        made.stack.stop()
        restored = restore(made, folder, taken)
        made.stack.start()
        assert "All lanes are held" in made.stack.log.read_text()
        assert made.stack.run("doctor").returncode == 1, "it says that they are held"
        for words in (("reconcile", "--repair", "--yes"), ("release",)):
            done = made.stack.run(*words)
            assert done.returncode == 0, done.stdout + done.stderr
        made.sign_up(range(CUSTOMERS, CUSTOMERS + 2))
        made.track("Looked Around", range(CUSTOMERS + 2))  # all but the last: the copy does not know that they did
        until_sent(sink, 2 * CUSTOMERS + 4)
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"restored: {restored.strip()}; {books}")
    unknown, due = books.statuses["unknown"], {f"u{number}@example.com" for number in range(CUSTOMERS + 2)}
    # By letters: whoever came after the copy is said again, and is a new run with other ids and the same mails.
    twice = sum(count > 1 for count in sink.letters.values())
    strangers = sum(recipient not in due for recipient, _ in sink.letters)
    lost = 2 * len(due) - len(sink.letters)
    measured.row(
        f"a copy restored, {made.kind}", 2 * len(due), lost, twice, strangers, unknown, 2 * len(due) - lost - unknown
    )
    assert (books.twice, books.standing) == (0, 0)
    assert (lost, twice, strangers) == (0, 0, 0)
    assert books.statuses == {"accepted": CUSTOMERS + 2, "unknown": CUSTOMERS + 2}
