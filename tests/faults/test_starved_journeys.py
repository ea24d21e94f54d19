"""A worker at 6% of its time while customers act and enrollments are paused: nobody stands, and each mail goes once.

`make test-faults` does it for 100 seconds with 300 enrollments and two seeds, one for each database, merely slow on the
one and past every time-out on the other; as often as the first proof did it, in shreds too, with WAYPOST_FAULTS_RUNS=10.
"""

import os
import random
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from tests.faults.databases import KINDS, Postgres
from tests.faults.installation import Installation
from tests.faults.starving import starve
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
RUNS = int(os.environ.get("WAYPOST_FAULTS_RUNS", 2 if FULL else 1))
CUSTOMERS, SECONDS, WAIT = (300, 100.0, 20) if FULL else (12, 20.0, 5)
PERIODS = (2.0, 13.0, 0.5)
"""Seconds: merely slow, past every time-out of its tasks, and in shreds."""
JOURNEY = f"""
journey: reference
enter: [{{on: Signed Up}}]
defaults: {{topic: general}}
start: main
stages:
  main:
    final: true
    steps:
      - send: thank_you
      - wait: {WAIT} seconds
      - send: cross_sell
      - wait_for: {{event: Done, up_to: {2 * WAIT} seconds}}
      - send: loyalty
"""
MAILS = 3


class Disturbance:
    """Customers act, enrollments and the journey are paused and resumed: at moments that a seed chooses."""

    def __init__(self, made: Installation, seed: int) -> None:
        self._made = made
        self._choose = random.Random(seed)
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.done = 0
        self._told = ""

    def __enter__(self) -> "Disturbance":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """It is over, and nothing is paused any more."""
        self._over.set()
        self._thread.join()
        self._until(lambda: self._post("/v1/journeys/reference/resume") in (200, 409))
        for enrollment in self._made.enrollments():
            self._until(lambda one=enrollment: self._post(f"/v1/enrollments/{one}/resume") in (200, 409))

    def _run(self) -> None:
        with ThreadPoolExecutor(8) as calls:  # a control waits for its outcome, which a starved worker lets wait
            while not self._over.wait(self._choose.random()):
                enrollments = self._made.enrollments()
                if enrollments:
                    calls.submit(self._choose.choice(self._kinds), self, self._choose.choice(enrollments))

    def _acts(self, _enrollment: str) -> None:
        number = self._choose.randrange(CUSTOMERS)
        self._post("/v1/track", userId=f"u{number}", event="Done")

    def _paused(self, enrollment: str) -> None:
        if self._post(f"/v1/enrollments/{enrollment}/pause") == 200:
            self._over.wait(3)
            self._post(f"/v1/enrollments/{enrollment}/resume")

    def _journey_paused(self, _enrollment: str) -> None:
        self._post("/v1/journeys/reference/pause")
        self._over.wait(3)
        self._post("/v1/journeys/reference/resume")

    _kinds: tuple[Callable[..., None], ...] = (_acts, _acts, _paused, _paused, _journey_paused)

    def _post(self, path: str, **body: str) -> int:
        try:
            answer = self._made.stack.answer("POST", path, json=body or None)
        except httpx.HTTPError as error:
            self._told = repr(error)
            return 0
        self._told = f"{answer.status_code}: {answer.text[:300]}"
        self.done += answer.status_code < 300
        return answer.status_code

    def _until(self, condition: Callable[[], bool]) -> None:
        limit = time.monotonic() + 300
        while not condition():
            assert time.monotonic() < limit, f"it cannot be resumed: {self._told}\n{self._made.last_said()}"
            time.sleep(1)


@pytest.mark.timeout(1_200)
@pytest.mark.parametrize(
    ("server", "seed"), [(KINDS[seed % len(KINDS)], seed) for seed in range(RUNS)], indirect=["server"]
)
def test_enrollments_on_a_starved_worker_all_end_with_each_mail_once(
    tmp_path: Path, server: Postgres | None, seed: int, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    try:
        made.start(JOURNEY)
        worker = made.process("worker")
        assert worker is not None
        made.sign_up(range(CUSTOMERS))
        with Disturbance(made, seed) as disturbed:
            starve(worker, SECONDS, PERIODS[seed % len(PERIODS)])
        made.until_settled(600)
        books = made.books()
    finally:
        made.stack.stop()
        sink.stop()
    print(f"seed {seed}, disturbed {disturbed.done} times: {books}")
    measured.tell(f"a worker at 6% of its time, people act, seed {seed}, {made.kind}", books, CUSTOMERS * MAILS)
    assert disturbed.done > 0
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (CUSTOMERS, CUSTOMERS * MAILS)
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert books.unknown_that_never_began == 0
