"""Bringing existing customers: their history is stored, and each is placed in the stage where it puts them today.

The history runs through the core itself, on a virtual clock. Mail due before the import is on record as skipped
(`imported`) and nobody is written to for stages long past; what is due later goes. Each chunk of customers is one
transaction, and a message id that is known already is a repeat, so an import may be cut off and run again.
"""

import csv
import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter
from sqlmodel import Session, col, select

from journeys import backtest, facts
from journeys.backtest import Lived, Person
from journeys.commands import Plan
from journeys.facts import Aggregate
from journeys.program import NodeId, Program, Send
from journeys.simulator import Recorded, Trace, everything_goes
from journeys.state import State
from services import ingest, planning, profiles, tracking, upkeep
from services.happening import Rules
from services.tracking import Rejected, Tracked
from store import bulk, customers, dispatches, names
from store.counts import Tally
from store.dispatches import Priority
from store.tables import Customer, Decision, Dispatch, Enrollment, Event, Interest, JourneyVersion, Message
from store.types import new_id, workflow_id

CHUNK = 100
MOST_ERRORS_KEPT = 1_000
AHEAD = timedelta(days=1)

_STATE: TypeAdapter[State] = TypeAdapter(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class LineError:
    """A line that was not imported; numbers count from 1."""

    line: int
    reason: str


@dataclass(slots=True)
class Progress:
    """How far an import is."""

    customers: int = 0
    events: int = 0
    repeated: int = 0
    enrolled: int = 0
    errors: list[LineError] = field(default_factory=list[LineError])
    error_count: int = 0

    def note(self, line: int, reason: str) -> None:
        self.error_count += 1
        if len(self.errors) < MOST_ERRORS_KEPT:
            self.errors.append(LineError(line=line, reason=reason))


Grouped = dict[str, list[Tracked]]


# -- files -------------------------------------------------------------------------------------------------------------


def read_file(path: Path, now: datetime, progress: Progress, *, need_ids: bool = True) -> Grouped:
    """Events by customer, in the order of their instants; a line that is wrong is noted and skipped."""
    grouped: Grouped = defaultdict(list)
    lines = _csv_lines(path, need_ids) if path.suffix.lower() == ".csv" else _ndjson_lines(path)
    for number, item in lines:
        try:
            if isinstance(item, Exception):
                raise Rejected("", str(item))
            message = tracking.read(item, now)
            _not_ahead(item, now)
            if need_ids and message.message_id is None:
                raise Rejected("messageId", "an imported event needs one, so that a second import repeats nothing")
            grouped[message.user_id or f"anonymous:{message.anonymous_id}"].append(message)
        except Rejected as rejected:
            progress.note(number, str(rejected))
    for messages in grouped.values():
        messages.sort(key=lambda one: one.at)
    return grouped


def _not_ahead(item: Any, now: datetime) -> None:
    """A live client's clock may be wrong and is put right; a file that speaks of the future is a mistake."""
    stamp = item.get("timestamp")
    if stamp is not None and tracking.instant(stamp, "timestamp") > now + AHEAD:
        raise Rejected("timestamp", f"lies in the future, found {stamp!r:.40}")


def _ndjson_lines(path: Path) -> Iterator[tuple[int, Any]]:
    with path.open("rb") as file:
        for number, raw in enumerate(file, start=1):
            text = raw.strip().removeprefix(b"\xef\xbb\xbf")
            if not text:
                continue
            try:
                yield number, json.loads(text)
            except UnicodeDecodeError:
                yield number, ValueError("the line is not UTF-8")
            except (ValueError, RecursionError):
                yield number, ValueError("the line is not JSON")


_PLAIN = {"type", "userId", "anonymousId", "event", "timestamp", "messageId"}


def _csv_lines(path: Path, need_ids: bool) -> Iterator[tuple[int, Any]]:
    """Columns type, userId, event, timestamp, messageId; any other column is a property."""
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError:
        yield 1, ValueError("the file is not UTF-8; save it as UTF-8 and import it again")
        return
    header = text.partition("\n")[0]
    reader = csv.DictReader(text.splitlines(), delimiter=";" if header.count(";") > header.count(",") else ",")
    missing = {"userId", "timestamp", *(["messageId"] if need_ids else [])} - set(reader.fieldnames or ())
    if missing:
        yield 1, ValueError(f"the header lacks {', '.join(sorted(missing))}")
        return
    for row in reader:
        yield reader.line_num, _csv_item(row)


def _csv_item(row: dict[str, Any]) -> dict[str, Any]:
    item: dict[str, Any] = {name: row[name] or None for name in _PLAIN if name in row}
    item["type"] = item.get("type") or "track"
    extra = {name: _number(value) for name, value in row.items() if name and name not in _PLAIN and value}
    item["traits" if item["type"] == "identify" else "properties"] = extra
    return item


def cohort(grouped: Grouped) -> Iterator[Person]:
    """Customers as the simulator takes them, without anything stored."""
    for name, messages in grouped.items():
        events = [
            Recorded(seq=seq, name=one.name, at=one.at, properties=_properties(one))
            for seq, one in enumerate(messages, start=1)
        ]
        yield Person(id=name, events=events)


def _properties(message: Tracked) -> dict[str, Any]:
    """What guards see: of an identify call its traits."""
    return dict(message.traits if message.type == "identify" else message.properties)


def _number(text: Any) -> Any:
    try:
        return float(text) if "." in text else int(text)
    except (ValueError, TypeError):
        return text


# -- placing -----------------------------------------------------------------------------------------------------------


def chunks(grouped: Grouped) -> Iterator[list[tuple[str, list[Tracked]]]]:
    """Customers in the order of the file, a transaction's worth at a time."""
    items = list(grouped.items())
    for start in range(0, len(items), CHUNK):
        yield items[start : start + CHUNK]


def prepare(
    session: Session,
    chunk: Sequence[tuple[str, list[Tracked]]],
    journey: tuple[JourneyVersion, Program] | None,
    now: datetime,
) -> "Batch":
    """Work out what a chunk changes; nothing is written, so nobody waits for the writer's lock meanwhile."""
    ids = [one.message_id for _, messages in chunk for one in messages if one.message_id]
    known_ids = customers.known_message_ids(session, ids)
    known = _existing(session, [name for name, _ in chunk])
    batch = Batch(now=now)
    for name, messages in chunk:
        fresh = [one for one in messages if one.message_id not in known_ids]
        batch.customers += 1
        batch.repeated += len(messages) - len(fresh)
        batch.events += len(fresh)
        if fresh and (name in known or name.startswith("anonymous:")):
            batch.live += fresh
        elif fresh:
            batch.enrolled += _place(batch, fresh, journey)
    return batch


def write(session: Session, batch: "Batch", progress: Progress) -> None:
    """Store a prepared chunk. Those who were customers before go the way of live events."""
    batch.write(session)
    rules = Rules.load(session)
    names.remember_all(session, {str(row["name"]) for row in batch.rows[Event]}, batch.now)
    upkeep.look_at_everybody(session, rules, batch.now)
    for message in batch.live:
        batch.enrolled += len(ingest.take(session, message, rules, batch.now))
    progress.customers += batch.customers
    progress.events += batch.events
    progress.repeated += batch.repeated
    progress.enrolled += batch.enrolled


def _existing(session: Session, names: Sequence[str]) -> set[str]:
    query = select(Customer.external_id).where(col(Customer.external_id).in_(names))
    return {name for name in session.exec(query).all() if name is not None}


class Batch:
    """Rows collected for one transaction, and the events that are to go the way of live ones."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.customers = self.events = self.repeated = self.enrolled = 0
        self.live: list[Tracked] = []
        self.rows: dict[type, list[bulk.Row]] = {
            table: [] for table in (Customer, Event, Enrollment, Decision, Message, Interest, Dispatch)
        }
        self.tally = Tally()

    def add(self, table: type, **columns: Any) -> None:
        self.rows[table].append(columns)

    def write(self, session: Session) -> None:
        for table, rows in self.rows.items():
            bulk.add(session, table, rows)
        self.tally.write(session)


def _place(batch: Batch, messages: Sequence[Tracked], journey: tuple[JourneyVersion, Program] | None) -> int:
    """Rows of one new customer; return how many enrollments there are."""
    customer = Customer(
        id=new_id("cus"), external_id=messages[0].user_id, created_at=messages[0].at, updated_at=batch.now
    )
    person = _person(batch, customer, messages)
    batch.add(Customer, **customer.model_dump())
    return _enroll(batch, customer, person, journey) if journey else 0


def _person(batch: Batch, customer: Customer, messages: Sequence[Tracked]) -> Person:
    recorded: list[Recorded] = []
    aggregates: dict[str, Aggregate] = {}
    for seq, message in enumerate(messages, start=1):
        ingest.take_traits(customer, message, batch.now)
        properties = _properties(message)
        before = aggregates.get(message.name, facts.NOTHING)
        aggregates[message.name] = facts.fold(before, message.at, facts.amount(properties))
        recorded.append(Recorded(seq=seq, name=message.name, at=message.at, properties=properties))
        batch.add(
            Event,
            id=new_id("evt"),
            message_id=message.message_id,
            customer_id=customer.id,
            seq=seq,
            type=message.type,
            name=message.name,
            properties=properties,
            fires=False,
            at=message.at,
            received_at=batch.now,
        )
    customer.seq = len(recorded)
    customer.events = {name: one.as_json() for name, one in aggregates.items()}
    return Person(id=customer.id, events=recorded, attributes={"id": customer.external_id}, timezone=customer.timezone)


def _enroll(batch: Batch, customer: Customer, person: Person, journey: tuple[JourneyVersion, Program]) -> int:
    """Every run that the history leads to; all but the last of a key have ended."""
    version, program = journey
    numbers = Counter[str]()
    lives = backtest.runs(program, person, batch.now, everything_goes, name=lambda *_: new_id("enr"))
    for lived in lives:
        numbers[lived.key] += 1
        _enrollment(batch, version, lived, customer.seq, numbers[lived.key])
        _record(batch, program, lived.trace)
        if not lived.trace.state.ended:
            _start(batch, version, lived, numbers[lived.key])
    return len(lives)


def _enrollment(batch: Batch, version: JourneyVersion, lived: Lived, cursor: int, run: int) -> None:
    state = lived.trace.state
    batch.add(
        Enrollment,
        id=state.enrollment,
        journey=version.journey,
        version=version.number,
        digest=version.digest,
        customer_id=state.customer,
        key=lived.key,
        run=run,
        workflow_id=workflow_id(version.journey, state.customer, lived.key, run),
        source=f"import, event {lived.event.name}",
        data={},
        status="ended" if state.ended else "live",
        reason=state.reason,
        stage=state.stage,
        step=state.position,
        visit=state.visit,
        number=state.number,
        cursor=cursor,
        paused=False,
        wakes_at=state.wakes_at,
        entered_at=lived.event.at,
        stage_since=state.since or lived.event.at,
        ended_at=state.clock if state.ended else None,
    )


def _record(batch: Batch, program: Program, trace: Trace) -> None:
    """Every decision of the past, and every mail that was not sent."""
    enrollment = trace.state.enrollment
    batch.tally.move(enrollment, program.journey, "", program.start)
    for decision in trace.decisions:
        _decision(batch, program, trace.state, decision, decision.what, dict(decision.detail))
        if decision.what == "moved":
            batch.tally.move(enrollment, program.journey, decision.stage, str(decision.detail["to"]))
    for ask, asked in trace.asked:
        if asked:
            verdicts = [one.as_json() for one in asked]
            _decision(batch, program, trace.state, ask, "asked", {"why": ask.why, "guards": verdicts})
    for plan in trace.mails:
        _skipped(batch, program, trace.state, plan)


def _decision(batch: Batch, program: Program, state: State, command: Any, what: str, detail: dict[str, Any]) -> None:
    batch.add(
        Decision,
        id=f"dec_{state.enrollment.removeprefix('enr_')}_{command.number}",
        customer_id=state.customer,
        journey=program.journey,
        enrollment_id=state.enrollment,
        number=command.number,
        at=command.at,
        what=what,
        stage=command.stage,
        step=command.step,
        visit=command.visit,
        detail=detail,
        answer=None,
    )


def _skipped(batch: Batch, program: Program, state: State, plan: Plan) -> None:
    send = program.nodes[NodeId(plan.step)]
    assert isinstance(send, Send)
    row = planning.message_row(program, state.enrollment, state.customer, plan, send, plan.at)
    batch.add(Message, **row | {"status": "skipped", "reason": "imported"})
    detail = {"message": row["id"], "template": send.template, "reason": "imported"}
    _decision(batch, program, state, plan, "skipped", detail)


def _start(batch: Batch, version: JourneyVersion, lived: Lived, run: int) -> None:
    """Where the customer stands, what is waited for, and the start of the workflow with this very state."""
    trace = lived.trace
    state = trace.state
    assert trace.settled is not None
    batch.tally.arrive(state.enrollment, (version.journey, state.stage, state.position or ""))
    for name in trace.settled.waits_for:
        batch.add(Interest, enrollment_id=state.enrollment, name=name, customer_id=state.customer)
    dumped = _STATE.dump_python(state, mode="json", exclude_defaults=True)
    name = workflow_id(version.journey, state.customer, lived.key, run)
    start = {"digest": version.digest, "state": dumped}
    batch.add(Dispatch, **dispatches.row(state.enrollment, name, "start", start, Priority.BULK_START, batch.now))
