"""A new version for 100,000 customers under way: how long its plan takes on one core, and how fast they are moved.

Each has entered at an instant of their own, with a zone, a plan and an address of their own, and was sent what the core
says. The plan is to take at most 20 s and 500 MB; of the database's side 1,000 a second are to be moved.
"""

import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlmodel import Session

from journeys.changes.mapping import Moves
from journeys.checks import source
from journeys.facts.customer_facts import Aggregate
from journeys.machine.state import State
from journeys.machine.woken import STATE
from journeys.program.compiler import compile_journey
from journeys.simulation.simulator import PastFacts, RecordedEvent, Trace, simulate
from services.changes.planning import plan
from services.changes.planning.plan import PlanRequest
from services.changes.publication import publishing
from services.definitions.journey_versions import drafts, journeys, validation_context
from services.operations import operations
from store import bulk, migrate
from store.ids import message_of_step
from store.queries.figures.counts import Tally
from store.session import Database
from store.statuses import MessageStatus
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from waypost.processes import garbage_collection

SIZE = int(os.environ.get("WAYPOST_BENCH_SIZE", "100000"))
ALIKE = 1_000
"""Ways through the journey that are gone by the core; the others are one of them, some seconds earlier or later."""

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
ZONES = ("Europe/Berlin", "America/New_York", "Asia/Tokyo", None)
TEMPLATES = frozenset({"welcome", "tour", "still_there", "team", "solo", "tip", "thanks", "cross", "miss", "offer"})

OLD = """
journey: lifecycle
enter: [{on: Signed Up}]
exit: [{on: Account Closed}]
defaults: {topic: news, send_window: {days: mon-fri, from: "09:00", to: "18:00"}}
start: trial
stages:
  trial:
    steps:
      - send: welcome
      - wait: 2 days
      - {id: tour, send: tour}
      - wait_for: {event: Tour Watched, up_to: 7 days, else: [{send: still_there}]}
      - wait: {until: "09:00", on: [tue, thu]}
      - branch:
          - {if: customer.plan == "team", then: [{send: team}, {wait: 6 days}]}
          - else: [{send: solo}, {wait: 9 days}]
      - {id: tip, send: tip}
    transitions:
      - {on: Paid, to: paying}
      - {inactive: 60 days, of: Opened, to: lapsed}
  paying:
    steps: [{send: thanks}, {wait: 14 days}, {send: cross}]
    transitions: [{inactive: 30 days, of: Opened, to: lapsed}]
  lapsed:
    steps: [{send: miss}, {wait: 14 days}, {send: offer}]
    transitions: [{on: Paid, to: paying}]
"""
NEW = (
    OLD.replace("wait: 2 days", "wait: 3 days")
    .replace("then: [{send: team}, {wait: 6 days}]", "then: [{send: team}]")
    .replace("  lapsed:", "  win_back:")
    .replace("to: lapsed", "to: win_back")
    .replace("{send: cross}]", "{send: cross}, {wait: 9 days}, {id: again, send: thanks}]")
    .replace("[{on: Paid, to: paying}]\n", "[{on: Paid, to: paying}, {when: customer.vip == true, to: vip}]\n")
    + "  vip: {final: true}\n"
)  # fmt: skip


def main() -> None:
    """`python -m bench plan`; WAYPOST_BENCH_SIZE=10000 takes a tenth of the time."""
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        url = f"sqlite:///{Path(folder) / 'waypost.db'}"
        begun = time.perf_counter()
        _fill(url)
        print(f"{SIZE:,} customers under way, made in {time.perf_counter() - begun:.0f} s")
        words = f"from bench import plan; plan.measure({url!r})"
        subprocess.run([sys.executable, "-c", words], check=True)  # this process holds what made them


def measure(url: str) -> None:
    """Plan and move, in a process that does nothing else, on one core."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    database = Database(url)
    garbage_collection.freeze_loaded()  # as the worker does when it starts
    before = time.process_time()
    planned, seconds = _planned(database)
    spent = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    result = planned.result or {}
    print(f"planned in {seconds:.1f} s, {spent:.1f} s of a core (wanted 20), {peak:.0f} MB (wanted 500)")
    print(f"kinds: {result['kinds']}")
    print(f"run on for a month: {result['impact']['sample']:,} of {result['impact']['of']:,}")
    before = time.process_time()
    moved, seconds = _moved(database, planned)
    spent = time.process_time() - before
    told = f"moved {moved:,} in {seconds:.1f} s, {spent:.1f} s of a core: {moved / spent:,.0f} a second (wanted 1,000)"
    print(f"{told}, {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")
    database.close()


def _planned(database: Database) -> tuple[Operation, float]:
    moves, definition = Moves(stages={"lapsed": "win_back"}), source.read(NEW)[0]
    asked = PlanRequest(definition=definition, moves=moves)
    operation = database.write(lambda session: plan.start(session, "lifecycle", asked, "bench", NOW, TEMPLATES))
    return _worked_off(database, operation, plan.pages(database, operation, lambda: NOW))


def _moved(database: Database, planned: Operation) -> tuple[int, float]:
    def work(session: Session) -> Operation:
        _publish(session, NEW)
        return publishing.move(session, planned, journeys.live(session, "lifecycle")[0], "bench", NOW)

    publishing.BETWEEN = 0.0
    operation = database.write(work)
    done, seconds = _worked_off(database, operation, publishing.pages(database, operation, lambda: NOW))
    return sum((done.result or {})["moved"].values()), seconds


def _worked_off(database: Database, operation: Operation, pages: Iterator[Any]) -> tuple[Operation, float]:
    database.write(lambda session: operations.begin(session, operation.id, NOW))
    begun = time.perf_counter()
    for page in pages:
        if database.write(lambda session, page=page: operations.advance(session, operation.id, page)) is None:
            break
    seconds = time.perf_counter() - begun
    database.write(lambda session: operations.close(session, operation.id, NOW))
    with database.reading() as session:
        return operations.get(session, operation.id), seconds


# -- who is under way --------------------------------------------------------------------------------------------------


def _fill(url: str) -> None:
    database = Database(url)
    migrate.upgrade(database.engine)
    database.write(lambda session: _publish(session, OLD))
    choose, ways = random.Random(1), list(_ways())
    for first in range(0, SIZE, 5_000):
        numbers = range(first, min(first + 5_000, SIZE))
        those = [_Somebody(number, choose.choice(ways), choose) for number in numbers]
        database.write(lambda session, those=those: _put(session, those))
    database.close()


def _publish(session: Session, text: str) -> None:
    around = validation_context.load(session, "lifecycle", TEMPLATES)
    drafts.put_draft(session, drafts.read_draft("lifecycle", text, around), NOW)
    journeys.publish(session, "lifecycle", TEMPLATES, NOW)


def _ways() -> Iterator[tuple[Trace, PastFacts, datetime]]:
    """Ways through the old version, up to now."""
    program, choose = compile_journey(source.read(OLD)[0]), random.Random(2)
    for number in range(ALIKE):
        entered = NOW - timedelta(seconds=choose.randrange(600, 60 * 86_400))
        names = [choose.choice(("Opened", "Tour Watched", "Paid", "Viewed")) for _ in range(choose.randint(0, 4))]
        whens = sorted(entered + (NOW - entered) * choose.random() for _ in names)
        events = [RecordedEvent(seq=1, name="Signed Up", at=entered)]
        events += [
            RecordedEvent(seq=seq, name=one, at=at) for seq, (one, at) in enumerate(zip(names, whens, strict=True), 2)
        ]
        facts = {"plan": choose.choice(("team", "solo")), "vip": choose.random() < 0.02}
        past = PastFacts(events, facts, choose.choice(ZONES))
        state = State(customer=f"c{number}", enrollment=f"e{number}", cursor=1)
        trace = simulate(program, state, past, entered, NOW)
        past.known(len(events))
        if not trace.state.ended:
            yield trace, past, entered


class _Somebody:
    """One of the ways, begun some minutes earlier."""

    def __init__(self, number: int, way: tuple[Trace, PastFacts, datetime], choose: random.Random) -> None:
        trace, self.past, entered = way
        self.customer, self.enrollment = f"cus_{number:010}", f"enr_{number:010}"
        self.number, self.earlier = number, timedelta(microseconds=choose.randrange(600_000_000))
        self.entered, self.state = entered - self.earlier, self._of(trace.state)
        self.sent = [(one.plan, one.template) for one in trace.mails]

    def _of(self, state: State) -> State:
        names = ("entered_at", "since", "until", "due", "clock", "horizon", "turn", "hears_from", "waits_from")
        instants: dict[str, Any] = {name: self._at(getattr(state, name)) for name in names}
        deadlines = tuple(replace(one, at=one.at - self.earlier) for one in state.deadlines)
        who: dict[str, Any] = {"customer": self.customer, "enrollment": self.enrollment, "deadlines": deadlines}
        return replace(state, **who, **instants)

    def _at(self, instant: datetime | None) -> datetime | None:
        return instant - self.earlier if instant else None

    def customer_row(self) -> bulk.ColumnValues:
        """The customer."""
        email = f"c{self.number}@shop.example"
        aggregates = {name: self._aggregate(one).as_json() for name, one in self.past.aggregates.items()}
        return {
            "id": self.customer, "external_id": f"u{self.number}", "email": email, "timezone": self.past.timezone,
            "attributes": {**self.past.attributes, "email": email, "first_name": f"C{self.number}"},
            "events": aggregates, "segments": [], "seq": len(self.past.events), "created_at": self.entered,
            "updated_at": self.entered,
        }  # fmt: skip

    def _aggregate(self, one: Aggregate) -> Aggregate:
        return replace(one, first_at=self._at(one.first_at), last_at=self._at(one.last_at))

    def enrollment_row(self, digest: str) -> bulk.ColumnValues:
        """The enrollment."""
        state = self.state
        return {
            "id": self.enrollment, "journey": "lifecycle", "version": 1, "digest": digest, "run": 1, "key": "",
            "customer_id": self.customer, "workflow_id": f"enrollment/lifecycle/{self.customer}/1", "source": "event",
            "status": "live", "stage": state.stage, "step": state.position, "visit": state.visit, "data": {},
            "cursor": state.cursor, "wakes": 1, "wakes_at": state.wakes_at, "entered_at": self.entered,
            "state": STATE.dump_python(state, mode="json", exclude_defaults=True), "stage_since": state.since,
            "paused": False, "migrating": False,
        }  # fmt: skip

    def messages(self, digest: str) -> Iterator[bulk.ColumnValues]:
        """What they were sent."""
        for one, template in self.sent:
            at = one.at - self.earlier
            yield {
                "id": message_of_step(self.enrollment, one.step, one.visit), "customer_id": self.customer,
                "stage": one.stage, "enrollment_id": self.enrollment, "journey": "lifecycle", "digest": digest,
                "step": one.step, "visit": one.visit, "template": template, "topic": "news", "lane": "journey",
                "due": at, "attempt": 1, "status": MessageStatus.ACCEPTED, "planned_at": at, "updated_at": at,
                "accepted_at": at,
            }  # fmt: skip


def _put(session: Session, those: Sequence[_Somebody]) -> None:
    version, _ = journeys.live(session, "lifecycle")
    bulk.add(session, Customer, [one.customer_row() for one in those])
    bulk.add(session, Enrollment, [one.enrollment_row(version.digest) for one in those])
    bulk.add(session, Message, [row for one in those for row in one.messages(version.digest)])
    tally = Tally()
    for one in those:
        tally.arrive(one.enrollment, ("lifecycle", one.state.stage, one.state.position or ""))
    tally.write(session)
