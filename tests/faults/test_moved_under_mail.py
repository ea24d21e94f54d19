"""A journey is published with `move` three times and rolled back once, under mail, events and the death of a worker.

Nobody is mailed twice or lost, and everybody ends in the version that is on record. `make test-faults` does it with
500 customers (WAYPOST_FAULTS_CUSTOMERS).
"""

import os
import random
import threading
import time
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.reports.health import reconciliation
from store.session import Database
from tests.faults.installation import Installation
from tests.faults.table import Measured
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
CUSTOMERS = int(os.environ.get("WAYPOST_FAULTS_CUSTOMERS", 500 if FULL else 25))
SECONDS = 40 if FULL else 12
"""The length of each of the journey's three waits."""

FIRST = f"""
journey: moving
enter: [{{on: Signed Up}}]
defaults: {{topic: general}}
start: main
stages:
  main:
    final: true
    steps:
      - send: welcome
      - {{id: first, wait: {SECONDS} seconds}}
      - send: our_story
      - {{id: listen, wait_for: {{event: Done, up_to: {SECONDS} seconds}}}}
      - send: getting_started
      - {{id: last, wait: {SECONDS} seconds}}
      - send: loyalty
"""
LONGER = FIRST.replace(f"id: first, wait: {SECONDS}", f"id: first, wait: {2 * SECONDS}")
RENAMED = LONGER.replace("main", "path").replace(
    "- send: loyalty", "- {id: again, send: welcome}\n      - send: loyalty"
)
SHORTER = RENAMED.replace(f"      - {{id: listen, wait_for: {{event: Done, up_to: {SECONDS} seconds}}}}\n", "").replace(
    "- {id: last", "- send: cross_sell\n      - {id: last"
)
ONCE = ("welcome", "our_story", "getting_started", "loyalty")
"""What everybody gets, under whichever versions."""


class Events:
    """Customers act, a few a second, until it is over."""

    def __init__(self, made: Installation) -> None:
        self._made, self._over, self._choose = made, threading.Event(), random.Random(1)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Events":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._over.wait(self._choose.random() / 4):
            body = {"userId": f"u{self._choose.randrange(CUSTOMERS)}", "event": "Done"}
            try:
                self._made.stack.answer("POST", "/v1/track", json=body)
            except httpx.HTTPError:
                continue


def publish(made: Installation, text: str | None, way: str = "publish", **more: Any) -> str:
    """Plan and publish until nothing has drifted in between; return the operation that moves everybody."""
    if text is not None:
        assert made.stack.answer("PUT", "/v1/journeys/moving", content=text).status_code == 200
    version = {"version": more["version"]} if "version" in more else {}
    limit = time.monotonic() + 600
    while time.monotonic() < limit:
        plan = made.stack.api("POST", "/v1/journeys/moving/plan", json={"spread_minutes": 0, **more})
        done = ended(made, plan["id"])
        body = {"in_flight": "move", "token": done["result"]["token"], **version}
        answer = made.stack.answer("POST", f"/v1/journeys/moving/{way}", json=body)
        if answer.status_code == 200:
            print(f"published version {answer.json()['number']}: {done['result']['kinds']}")
            return answer.json()["operation"]["id"]
        assert answer.status_code == 409, answer.text
        time.sleep(1)
    raise AssertionError("it drifts for ever")


def ended(made: Installation, operation: str) -> dict[str, Any]:
    """The operation, once it is done."""
    limit = time.monotonic() + 600
    while time.monotonic() < limit:
        shown = made.stack.api("GET", f"/v1/operations/{operation}")
        if shown["status"] not in ("queued", "running"):
            assert shown["status"] == "done", shown
            return shown
        time.sleep(0.3)
    raise AssertionError("the operation never ends")


@pytest.mark.timeout(3_600)
def test_whoever_is_moved_under_mail_is_mailed_once_and_stands_where_the_record_says(
    tmp_path: Path, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink)
    try:
        made.start(FIRST)
        made.sign_up(range(CUSTOMERS))
        with Events(made):
            moves = [publish(made, LONGER)]
            ended(made, moves[0])
            moves.append(publish(made, RENAMED, moves={"stages": {"main": "path"}}))
            if FULL:  # it takes half a minute until another takes over
                worker = made.process("worker")
                assert worker is not None
                worker.kill()
            ended(made, moves[1])
            moves.append(publish(made, SHORTER))
            ended(made, moves[2])
            moves.append(publish(made, None, "rollback", version=1, moves={"stages": {"path": "main"}}))
            results = [ended(made, one)["result"] for one in moves]
            made.until_settled(900)
        books = made.books()
        check_the_record(made.url)
    finally:
        made.stack.stop()
        sink.stop()
    print(f"{results}\n{books}")
    measured.tell("moved three times and rolled back under mail", books, books.statuses.total())
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert books.customers == CUSTOMERS
    assert set(books.statuses) <= {"accepted", "unknown", "skipped"}
    assert all(sum(one["moved"].values()) for one in results), results


def check_the_record(url: str) -> None:
    """Everybody got each mail once, ended in the version of their last move, and the books balance."""
    database = Database(url)
    try:
        with database.reading() as session:
            rows = session.connection().exec_driver_sql
            sent = Counter((whose, template) for whose, template in rows(
                "SELECT enrollment_id, template FROM message WHERE status IN ('accepted', 'unknown')"))  # fmt: skip
            ends = dict(rows("SELECT id, version FROM enrollment").all())
            last = dict.fromkeys(ends, 1)
            for one, version in rows(
                "SELECT enrollment_id, json_extract(detail, '$.to.version') FROM decision WHERE what = 'migrated' "
                "ORDER BY at, id"
            ):
                last[one] = version
            astray = rows("SELECT count(*) FROM decision WHERE what IN ('put_right', 'stuck')").scalar()
            balanced = reconciliation.reconcile(session, recount=True)["balanced"]
    finally:
        database.close()
    assert {one: sent[one, template] for one in ends for template in ONCE if sent[one, template] != 1} == {}
    assert {key: count for key, count in sent.items() if count != 1} == {}
    assert {one: (version, last[one]) for one, version in ends.items() if version != last[one]} == {}
    assert (astray, balanced) == (0, True)
