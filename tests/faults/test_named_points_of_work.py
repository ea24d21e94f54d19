"""Real processes die, by SIGKILL, at each named point of webhooks, imports, and a publish that moves everybody.

Mails are counted at the SMTP sink, calls at their receiver: each call comes, once, or again under the same id where its
answer was lost. `make test-faults` passes all points, and six of them on PostgreSQL.
"""

import os
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.changes.publication.publishing import KIND
from tests.faults.databases import KINDS, POSTGRESQL, SQLITE, Postgres
from tests.faults.installation import Installation
from tests.faults.table import Measured
from tests.serving import Serving
from waypost.chaos.smtp_sink import SmtpSink

FULL = "WAYPOST_FAULTS" in os.environ
HOOKS = (
    "after HookLane._claim", "before call", "after call", "before HookLane._record", "before HookLane._claim",
    "after HookLane._record",
)  # fmt: skip
FILES = (
    ("enrollments", "after _keep"), ("customers", "before _keep"), ("customers", "before Operations._begun"),
    ("customers", "before Operations._advance"), ("customers", "after Operations._advance"),
    ("enrollments", "after Operations._begun"), ("enrollments", "before Operations._advance"),
    ("enrollments", "after Operations._advance"), ("enrollments", "before Operations._ended"),
    ("enrollments", "after Operations._ended"),
)  # fmt: skip
MOVES = ("before publish", "after publish", "before Operations._advance", "after Operations._advance")
"""Both sides of each transaction of a webhook's way, of imports, and of a publish with its move; and of the call."""

TRIED = {
    SQLITE: (HOOKS, FILES, MOVES),
    POSTGRESQL: (HOOKS[2:4], FILES[7:9], MOVES[1:3]),
} if FULL else {SQLITE: (HOOKS[2:3], FILES[:1], MOVES[1:2])}  # fmt: skip
"""Of each database. A worker that dies in an operation costs half a minute until another takes over: `make test` has an API die."""

EACH = 3
"""Customers who come while a point is armed."""

WITHIN = 180.0
"""Seconds in which somebody has come to the point, on a busy machine."""


class Hooked(Serving):
    """A receiver of webhooks, which counts each id."""

    def __init__(self) -> None:
        self.got = got = Counter[str]()

        class Answering(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                self.rfile.read(int(self.headers["content-length"]))
                got[self.headers["webhook-id"]] += 1
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:
                return

        super().__init__(ThreadingHTTPServer(("127.0.0.1", 0), Answering))

    def journey(self, more: str = "") -> str:
        return (
            "journey: hooked\nenter: [{on: Signed Up}]\ndefaults: {topic: general}\nstart: new\nstages:\n  new:\n"
            f"    final: true\n    steps:\n      - webhook: {{url: 'http://{self.address}/'}}\n      - send: welcome\n"
            f"      - {{id: listen, wait_for: {{event: Done, up_to: 2 hours}}}}\n      - send: our_story\n{more}"
        )


@pytest.fixture
def hooked() -> Iterator[Hooked]:
    made = Hooked()
    yield made
    made.close()


class Deaths:
    """Arms points; `at` are those at which somebody has died."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        self._folder = folder
        self.at = Counter[str]()

    def during(self, point: str, work: Callable[[Callable[[], None]], None]) -> None:
        """Do the work, which arms the point when it comes to it, until somebody has died."""
        armed = self._folder / point
        limit = time.monotonic() + WITHIN
        while time.monotonic() < limit:
            work(armed.touch)
            while armed.exists() and time.monotonic() < limit:
                time.sleep(0.1)
            if not armed.exists():
                self.at[point] += 1
                return
        armed.unlink()


class Work:
    """What customers and marketers do, each time with customers or a version of its own."""

    def __init__(self, made: Installation, hooked: Hooked) -> None:
        self._made, self._hooked, self._turn = made, hooked, threading.Lock()
        self._asked_for = list[str]()
        self._unplaced = list[range]()
        self.came, self.versions = 0, 1

    def signs_up(self, arm: Callable[[], None]) -> None:
        arm()
        self._made.sign_up(self._others())

    def imports(self, kind: str, arm: Callable[[], None]) -> None:
        """A file of customers, or of enrollments, of customers who are there then: nobody waits for its end."""
        those = self._others()
        if kind == "customers":
            self._unplaced.append(those)
            arm()
            return self._file(kind, "userId,email,first_name", [f"u{one},u{one}@example.com,U{one}" for one in those])
        self._made.identify(those)
        arm()
        return self._places(those)

    def places_all(self) -> None:
        """Once those are there who were imported as customers."""
        self.ends()
        for those in self._unplaced:
            self._places(those)
        if self._unplaced:
            self.ends()

    def publishes(self, arm: Callable[[], None]) -> None:
        """A version that differs in a wait behind everybody, with a move."""
        self.versions += 1
        more = f"      - {{id: rest, wait: {self.versions} seconds}}\n      - send: getting_started\n"
        self._asked("PUT", "/v1/journeys/hooked", content=self._hooked.journey(more))
        plan = self._asked("POST", "/v1/journeys/hooked/plan", json={"spread_minutes": 0})
        token = self._ended(plan["id"])["result"]["token"]
        arm()
        body = {"in_flight": "move", "token": token}
        told = [self._asked("POST", "/v1/journeys/hooked/publish", once=token, json=body) for _ in range(2)]
        assert told[0] == told[1], "however often it is asked, and whoever died before it answered"
        assert told[0]["number"] == self._asked("GET", "/v1/journeys/hooked")["live_version"] == self.versions
        [newest, *_] = self._asked("GET", f"/v1/operations?kind={KIND}")["items"]
        assert newest["id"] == told[0]["operation"]["id"], "it is done once"
        self._ended(newest["id"])

    def ends(self) -> None:
        """Each file that was given has come to its end, with all its lines, and was taken once."""
        for one in self._asked_for:
            assert self._ended(one)["done"] == EACH
        taken = [
            self._asked("GET", f"/v1/operations?kind=import%20{one}&limit=100")["items"]
            for one in ("customers", "enrollments")
        ]
        assert sorted(one["id"] for some in taken for one in some) == sorted(self._asked_for)

    def _others(self) -> range:
        with self._turn:
            self.came += EACH
            return range(self.came - EACH, self.came)

    def _places(self, those: range) -> None:
        self._file("enrollments&journey=hooked", "userId", [f"u{one}" for one in those])

    def _file(self, kind: str, head: str, lines: Iterable[str]) -> None:
        text = "".join(f"{one}\n" for one in (head, *lines))
        taken = self._asked("POST", f"/v1/imports?kind={kind}&format=csv", once=text, content=text)
        self._asked_for.append(taken["id"])

    def _ended(self, operation: str) -> Any:
        limit = time.monotonic() + WITHIN
        while time.monotonic() < limit:
            shown = self._asked("GET", f"/v1/operations/{operation}")
            if shown["status"] not in ("queued", "running"):
                assert (shown["status"], shown["error_count"]) == ("done", 0), shown
                return shown
            time.sleep(0.3)
        raise AssertionError("the operation never ends")

    def _asked(self, method: str, path: str, once: str | None = None, **more: Any) -> Any:
        """The answer, asked for until there is one: with the same Idempotency-Key, so that it is done once."""
        headers = {"Idempotency-Key": " ".join(once.split())} if once is not None else {}
        limit = time.monotonic() + WITHIN
        while time.monotonic() < limit:
            with suppress(httpx.HTTPError):
                answer = self._made.stack.answer(method, path, headers=headers, **more)
                if answer.status_code < 500:
                    assert answer.status_code < 300, answer.text
                    return answer.json()
            time.sleep(0.2)
        raise AssertionError(f"{path} is never answered")


@pytest.mark.timeout(1_500)
@pytest.mark.parametrize("server", KINDS, indirect=True)
def test_whoever_dies_at_webhooks_imports_and_moves_all_of_it_is_done_once(
    tmp_path: Path, server: Postgres | None, hooked: Hooked, measured: Measured
) -> None:
    sink = SmtpSink()
    sink.start()
    made = Installation(tmp_path, sink, server)
    hooks, files, moves = TRIED[made.kind]
    deaths, work = Deaths(tmp_path / "armed"), Work(made, hooked)
    points = str(Path(__file__).parent / "points")
    made.stack.env |= {"PYTHONPATH": points, "POINTS_ARMED": str(tmp_path / "armed"), "WAYPOST_HOOKS_PRIVATE": "1"}

    def imported() -> None:
        """What dies meanwhile is begun anew after half a minute, each file's."""
        for what, point in files:
            deaths.during(point, lambda arm, what=what: work.imports(what, arm))
        work.places_all()

    try:
        made.start(hooked.journey())
        deaths.during(hooks[0], work.signs_up)
        with ThreadPoolExecutor(1) as beside:
            importing = beside.submit(imported)
            for point in hooks[1:]:
                deaths.during(point, work.signs_up)
            importing.result()
        made.stack.until(lambda: made.with_a_fate() == work.came, 300)
        for point in moves:
            deaths.during(point, work.publishes)
        made.track("Done", range(work.came))
        made.until_settled(600)
        made.stack.until(lambda: all(status == "delivered" for status, _ in made.hooks().values()), 300)
        books, begun = made.books(), {one: attempts for one, (_, attempts) in made.hooks().items()}
    finally:
        made.stack.stop()
        sink.stop()
    due = work.came * (2 if work.versions == 1 else 3)
    print(f"{work.came} customers, {work.versions} versions, {hooked.got.total()} calls; died {deaths.at}; {books}")
    told = f"SIGKILL at {len(hooks + files + moves)} points of webhooks, imports, moves, {made.kind}"
    measured.tell(told, books, due)
    assert deaths.at == Counter([*hooks, *(point for _, point in files), *moves]), (
        "each was passed, somebody died there"
    )
    assert (books.twice, books.strangers, books.lost, books.standing) == (0, 0, 0, 0)
    assert (books.customers, books.statuses.total()) == (work.came, due)
    assert set(books.statuses) <= {"accepted", "unknown"}
    assert (len(begun), set(begun)) == (work.came, set(hooked.got)), "each webhook came, and no other"
    assert {one: count for one, count in hooked.got.items() if count > begun[one]} == {}
    assert hooked.got.total() > work.came, "whose answer was lost is called again, under the same id"
