"""A SendGrid that does all that providers do, to a whole installation: each mail comes once, and what came is known.

It asks for less with and without a time, fails after it has taken a mail, answers late, in part or never, and refuses the
key for a while. What it took without an answer is found in its log; that a mail is not in there proves nothing, so what
it never took stays unknown. `make test-faults` runs it, on each database.
"""

import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faults.databases import KINDS, Postgres
from tests.faults.installation import TEMPLATES, Installation
from tests.faults.table import Measured
from tests.sendgrid import FakeSendGrid, Fault, cut, hang, status
from waypost.chaos.smtp_sink import SmtpSink

EACH = 4
"""Customers who sign up for each thing that it does."""

FAULTS: tuple[Fault, ...] = (
    status(429, {"Retry-After": "1"}), status(429), status(500, accepted=True), status(503), cut(accepted=True),
    cut(accepted=False), cut(accepted=True, after=b"HTTP/1.1 202 Acc"), hang(3.0, accepted=True),
)  # fmt: skip


@pytest.mark.timeout(2_400)
@pytest.mark.at_size
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_whatever_a_provider_does_each_mail_comes_once_and_its_log_tells_of_the_rest(
    tmp_path: Path, server: Postgres | None, measured: Measured
) -> None:
    fake, sink, chance = FakeSendGrid(log=True), SmtpSink(), random.Random(7)
    sink.start()
    made, came = Installation(tmp_path, sink, server), 0
    del made.stack.env["WAYPOST_SMTP_URL"]
    made.stack.env |= {"SENDGRID_API_KEY": fake.key, "WAYPOST_SENDGRID_HOST": fake.url, "WAYPOST_SENDGRID_LOG": "1"}
    try:
        made.start()
        for fault in chance.sample(FAULTS, len(FAULTS)):
            fake.faults.append(fault)  # one at a time, so that the channel stays open and mails go between
            made.sign_up(range(came, came + EACH))
            came += EACH
            made.stack.until(lambda: not fake.faults, 400)
        fake.key = "SG.another"
        made.sign_up(range(came, came + EACH))
        came += EACH
        made.stack.until(lambda: "401" in str(made.stack.api("GET", "/v1/channels")), 400)
        fake.key = "SG.good"
        limit = time.monotonic() + 900
        while time.monotonic() < limit:
            made.until_settled(300)
            books = made.books()
            if books.statuses["accepted"] == len(set(fake.send_ids())) and not books.standing:
                break
            time.sleep(3)
        sink.got.update(Counter(fake.send_ids()))
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
        fake.close()
    print(books)
    measured.tell(f"a provider that misbehaves, {made.kind}", books, came * len(TEMPLATES))
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (came, came * len(TEMPLATES))
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.statuses["accepted"] == len(sink.got), "all that it took is known"
