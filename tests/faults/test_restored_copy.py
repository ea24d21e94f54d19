"""A backup is taken while everything runs, mail goes on, the home is lost and restored: nobody is mailed twice.

Not even where clients say again what happened meanwhile, and who came.

Counted at the SMTP sink, which keeps what it has got. `make test-faults` does it with 40 customers.
"""

import os
import time
from pathlib import Path

import pytest

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


@pytest.mark.timeout(1_200)
def test_a_restored_copy_mails_nobody_twice(tmp_path: Path, measured: Measured) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink)
    folder = str(tmp_path / "backup")
    try:
        made.start(tmp_path, JOURNEY)
        made.sign_up(range(CUSTOMERS))
        until_sent(sink, CUSTOMERS)
        taken = made.stack.run("backup", folder)
        assert taken.returncode == 0, taken.stderr
        assert made.stack.run("backup", "--verify", folder).returncode == 0
        made.track("Looked Around", range(CUSTOMERS))
        made.sign_up(range(CUSTOMERS, CUSTOMERS + 1))
        made.track("Looked Around", range(CUSTOMERS, CUSTOMERS + 1))
        until_sent(sink, 2 * CUSTOMERS + 2)
        made.stack.stop()
        restored = made.stack.run("restore", folder, "--json")
        assert restored.returncode == 0, restored.stderr
        made.stack.start()
        assert "All lanes are held" in made.stack.log.read_text()
        assert made.stack.run("doctor").returncode == 1, "it says that they are held"
        released = made.stack.run("release")
        assert released.returncode == 0, released.stderr
        made.sign_up(range(CUSTOMERS, CUSTOMERS + 2))
        made.track("Looked Around", range(CUSTOMERS + 2))  # all but the last: the copy does not know that they did
        until_sent(sink, 2 * CUSTOMERS + 4)
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"restored: {restored.stdout.strip()}; {books}")
    unknown, due = books.statuses["unknown"], {f"u{number}@example.com" for number in range(CUSTOMERS + 2)}
    # By letters: whoever came after the copy is said again, and is a new run with other ids and the same mails.
    twice = sum(count > 1 for count in sink.letters.values())
    strangers = sum(recipient not in due for recipient, _ in sink.letters)
    lost = 2 * len(due) - len(sink.letters)
    measured.row("a copy restored", 2 * len(due), lost, twice, strangers, unknown, 2 * len(due) - lost - unknown)
    assert (books.twice, books.standing) == (0, 0)
    assert (lost, twice, strangers) == (0, 0, 0)
    assert books.statuses == {"accepted": CUSTOMERS + 2, "unknown": CUSTOMERS + 2}
