"""A whole installation that is hurt while it works, and the books that are kept of it outside: at the SMTP sink.

The oracle for every proof here: no mail came twice; each customer has each mail, accepted or visibly unknown; nobody
stands; and nothing is unknown but what was in a call.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import psutil
from sqlalchemy import text

from store.session import Database
from tests.faults.databases import POSTGRESQL, SQLITE, Postgres
from tests.stacks import Stack
from waypost.chaos.smtp_sink import SmtpSink

TEMPLATES = ("welcome", "our_story", "getting_started")
WAIT = 5 if "WAYPOST_FAULTS" in os.environ else 2
"""Seconds of each wait between two mails."""
JOURNEY = f"""
journey: three
enter: [{{on: Signed Up}}]
defaults: {{topic: general}}
start: new
stages:
  new:
    final: true
    steps:
      - send: welcome
      - wait: {WAIT} seconds
      - send: our_story
      - wait: {WAIT} seconds
      - send: getting_started
"""
AT_ONCE = 50
"""Customers in one call to the API."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Books:
    """What the ledger and the sink say at the end."""

    customers: int
    standing: int
    """Enrollments that have not ended."""
    statuses: Counter[str]
    twice: int
    """Mails that the sink got more than once."""
    strangers: int
    """Mails at the sink of which the ledger knows nothing, or that it says did not go."""
    lost: int
    """Mails that the ledger calls accepted and the sink never got."""
    unknown_that_never_began: int
    """Unknown mails whose recipient was never named to the sink."""
    unknown_at: tuple[float, ...]
    """When a mail became unknown because its worker was lost, as Unix seconds."""
    written_within: float
    """The most seconds from the last byte of a mail at the sink until the ledger called it accepted."""


class Installation:
    """`waypost up` that mails by SMTP to a sink; `url` is its database: of a server, or in its home."""

    def __init__(self, folder: Path, sink: SmtpSink, server: Postgres | None = None) -> None:
        self.sink = sink
        self.kind = SQLITE if server is None else POSTGRESQL
        self._first_said: dict[str, str] = {}
        self.stack = Stack(folder / "home")
        self.url = server.url if server is not None else f"sqlite:///{folder / 'home' / 'waypost.db'}"
        self.stack.env |= {
            "WAYPOST_SMTP_URL": f"smtp://127.0.0.1:{sink.port}",
            "WAYPOST_SENDER": "Shop <hello@shop.example>",
            "WAYPOST_POSTAL_ADDRESS": "Shop, 1 Main Street, Springfield",
            "WAYPOST_PUBLIC_URL": "http://127.0.0.1:1",
            **({"WAYPOST_DATABASE_URL": server.url} if server is not None else {}),
        }

    def start(self, journey: str = JOURNEY) -> None:
        """Start it, and publish the journey."""
        self.stack.start()
        key = journey.split("journey: ")[1].splitlines()[0]
        for method, path in (("PUT", f"/v1/journeys/{key}"), ("POST", f"/v1/journeys/{key}/publish")):
            done = self.stack.answer(method, path, content=journey if method == "PUT" else None)
            assert done.status_code < 300, done.text

    def process(self, name: str) -> psutil.Process | None:
        """The API, the worker or Temporal; None while it is not there."""
        for one in self.stack.tree()[1:]:
            try:
                words = one.cmdline()
            except psutil.Error:
                continue
            if words[-1:] == [name] or (name == "temporal" and words and "temporal" in Path(words[0]).name):
                return one
        return None

    def sign_up(self, numbers: range) -> None:
        """Customers with an address sign up."""
        self._say(lambda number: [self._identified(number), self._tracked("Signed Up", number)], numbers)

    def identify(self, numbers: range) -> None:
        """Customers with an address become known."""
        self._say(lambda number: [self._identified(number)], numbers)

    def track(self, event: str, numbers: range) -> None:
        """Something happens to these customers."""
        self._say(lambda number: [self._tracked(event, number)], numbers)

    def _identified(self, number: int) -> dict[str, Any]:
        traits = {"email": f"u{number}@example.com", "first_name": f"U{number}"}
        return {"type": "identify", "userId": f"u{number}", "traits": traits, "messageId": f"i{number}"}

    def _tracked(self, event: str, number: int) -> dict[str, Any]:
        """As Segment's clients say it: once more with the same id, and with the instant at which it happened."""
        message_id = f"{event} {number}"
        at = self._first_said.setdefault(message_id, datetime.now(UTC).isoformat())
        return {"type": "track", "userId": f"u{number}", "event": event, "messageId": message_id, "timestamp": at}

    def _say(self, messages: Callable[[int], list[dict[str, Any]]], numbers: range) -> None:
        """In batches; each is said again, with the same ids, until the API acknowledges it."""
        for first in range(numbers.start, numbers.stop, AT_ONCE):
            batch = [one for number in range(first, min(first + AT_ONCE, numbers.stop)) for one in messages(number)]
            while not self._acknowledged(batch):
                time.sleep(0.5)

    def _acknowledged(self, batch: list[dict[str, Any]]) -> bool:
        try:
            answer = self.stack.api("POST", "/v1/batch", json={"batch": batch})
        except (httpx.HTTPError, json.JSONDecodeError):
            return False
        return isinstance(answer, dict) and answer.get("accepted", 0) + answer.get("repeated", 0) == len(batch)

    def until_settled(self, seconds: float) -> None:
        """Until every enrollment has ended and no mail is under way, at most so long."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            try:
                live = self._count("SELECT count(*) FROM enrollment WHERE status = 'live'")
                waiting = self._count("SELECT count(*) FROM dispatch")
                moving = self._count(
                    "SELECT count(*) FROM message WHERE status IN ('planned', 'deferred', 'claimed', 'sending')"
                )
            except Exception:  # the database is on its way back
                live = waiting = moving = 1
            if live == waiting == moving == 0:
                return
            time.sleep(0.5)

    def enrollments(self, status: str = "live") -> list[str]:
        """The ids of those in this status."""
        return [row[0] for row in self._rows(f"SELECT id FROM enrollment WHERE status = '{status}' ORDER BY id")]

    def with_a_fate(self) -> int:
        """How many mails were accepted, or may have been."""
        return self._count("SELECT count(*) FROM message WHERE status IN ('accepted', 'unknown')")

    def hooks(self) -> dict[str, tuple[str, int]]:
        """Each webhook's status, and how often it was begun."""
        return {row[0]: (row[1], row[2]) for row in self._rows("SELECT id, status, attempts FROM hook")}

    def lanes_taken(self) -> int:
        """How often a lane got an owner, as far as the worker's logs tell: five times where none was ever lost."""
        logs = sorted((self.stack.home / "logs").glob("worker.log*"))
        return sum(log.read_text(errors="replace").count('"lane_taken"') for log in logs)

    def last_said(self) -> str:
        """The ends of its logs, for somebody who looks for what went wrong."""
        logs = sorted((self.stack.home / "logs").glob("*.log"))
        return "\n".join(f"{log.name}:\n{log.read_text(errors='replace')[-3_000:]}" for log in logs)

    def _count(self, query: str) -> int:
        return next(iter(self._rows(query)))[0]

    def _rows(self, query: str) -> list[Any]:
        database = Database(self.url)
        try:
            with database.reading() as session:
                return list(session.connection().execute(text(query)))
        finally:
            database.close()

    def books(self) -> Books:
        """Count, in the ledger and at the sink."""
        ledger = {row[0]: (row[1], row[2]) for row in self._rows(_LEDGER)}
        statuses = Counter(status for status, _ in ledger.values())
        maybe = {name for name, (status, _) in ledger.items() if status in ("accepted", "unknown", "parked")}
        accepted = {name for name, (status, _) in ledger.items() if status == "accepted"}
        unknown = {name: email for name, (status, email) in ledger.items() if status in ("unknown", "parked")}
        return Books(
            customers=self._count("SELECT count(*) FROM enrollment"),
            standing=self._count("SELECT count(*) FROM enrollment WHERE status = 'live'"),
            statuses=statuses,
            twice=sum(count > 1 for count in self.sink.got.values()),
            strangers=len(set(self.sink.got) - maybe),
            lost=len(accepted - set(self.sink.got)),
            unknown_that_never_began=sum(not self.sink.begun[email] for email in unknown.values()),
            unknown_at=tuple(sorted(_seconds(row[0]) for row in self._rows(_UNKNOWN))),
            written_within=max(
                (_seconds(at) - self.sink.ended[one] for one, at in self._rows(_ACCEPTED) if one in self.sink.ended),
                default=0.0,
            ),
        )


_LEDGER = "SELECT message.id, message.status, customer.email FROM message JOIN customer ON customer.id = customer_id"
_ACCEPTED = "SELECT id, accepted_at FROM message WHERE status = 'accepted'"
_UNKNOWN = "SELECT at FROM decision WHERE what = 'unknown'"


def _seconds(at: Any) -> float:
    """An instant as the database gives it: with its zone, or as text in UTC."""
    made = at if isinstance(at, datetime) else datetime.fromisoformat(at)
    return (made if made.tzinfo else made.replace(tzinfo=UTC)).timestamp()


def every(seconds: float, until: Callable[[], bool]) -> Iterator[float]:
    """The instants at which something is to be hurt, each so many seconds after the last."""
    at = time.monotonic()
    while not until():
        at += seconds
        while time.monotonic() < at and not until():
            time.sleep(0.1)
        yield time.time()
