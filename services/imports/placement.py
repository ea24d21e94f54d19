"""Placing existing customers: their history is stored, and each stands where it puts them today.

The history runs through the core itself, on a virtual clock. Mail due before the import is on record as skipped
(`imported`) and nobody is written to for stages long past; what is due later goes. Each chunk of customers is one
transaction, and a message id that is known already is a repeat, so an import may be cut off and run again.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from sqlmodel import Session

from journeys.facts import customer_facts, touches
from journeys.facts.customer_facts import Aggregate
from journeys.machine.ahead import pokes_for
from journeys.machine.commands import Plan
from journeys.machine.state import State
from journeys.machine.woken import kept
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.simulation import backtest
from journeys.simulation.backtest import CustomerHistory, SimulatedEnrollment
from journeys.simulation.mail_policies import everything_goes
from journeys.simulation.simulator import RecordedEvent, Trace
from services.customers import past_orders
from services.customers.unreadable import UnreadInEvents
from services.enrollments import customer_events, splits
from services.enrollments.customer_events import Listeners
from services.imports.joined_profiles import Work, joined_by_address
from services.ingestion import ingest
from services.ingestion.segment_api import IncomingEvent
from services.messages.step_messages import PlanOutcome, message_row
from services.operations.item_pages import line_error
from services.operations.operations import LineError
from services.values import Rejected
from store import bulk
from store.ids import new_id, workflow_id
from store.queries import customer_words as words
from store.queries import decisions, dispatches, enrollments, event_names, events, identities, interests, messages
from store.queries.counts import Tally
from store.queries.dispatches import Priority
from store.queries.journeys import LiveJourney
from store.queries.tombstones import USER
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.customers import Customer, CustomerWord, Event
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from store.tables.splits import Assignment

CHUNK = 100
"""Customers in one transaction, with their whole history: the write lock is held for that long, and the rows are in
memory."""

IMPORTED = PlanOutcome(status=MessageStatus.SKIPPED, reason="imported")
"""What becomes of a mail that was due before the import."""


def chunks(work: Iterable[Work]) -> Iterator[list[Work]]:
    """Customers in the order of the file, a transaction's worth at a time."""
    items = iter(work)
    while chunk := list(islice(items, CHUNK)):
        yield chunk


def prepare(session: Session, chunk: Sequence[Work], journey: LiveJourney | None, now: datetime) -> "Batch":
    """Work out what a chunk changes; nothing is written, so nobody waits for the writer's lock meanwhile.

    `journey` is where new customers are placed (None: nowhere); `now` is when they stand where they stand.
    """
    ids = [one.message_id for _, messages in chunk for one in messages if one.message_id]
    known_ids = events.known_message_ids(session, ids)
    known = _existing(session, [name for name, _ in chunk]) | joined_by_address(session, chunk)
    batch = Batch(now=now)
    for name, tracked in chunk:
        fresh = [one for one in tracked if one.message_id not in known_ids]
        batch.customers += 1
        batch.repeated += len(tracked) - len(fresh)
        batch.events += len(fresh)
        if fresh and (name in known or name.startswith("anonymous:")):
            batch.live += fresh
        elif fresh:
            batch.enrolled += _place(batch, fresh, journey)
    return batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of a chunk: how many customers and new events, how many known events, enrollments, wrong lines."""

    customers: int
    events: int
    repeated: int
    enrolled: int
    errors: Sequence[LineError]


def write(session: Session, batch: "Batch") -> Placed:
    """Store a prepared chunk. Those who were customers before go the way of live events."""
    errors, enrolled = batch.errors, batch.enrolled
    batch.write(session)
    listeners = Listeners.load(session)
    event_names.remember(session, {str(row["name"]) for row in batch.rows[Event]}, batch.now)
    customer_events.reevaluate_everybody(session, listeners, batch.now)
    for event, outcome in zip(batch.live, ingest.take_all(session, batch.live, listeners, batch.now), strict=True):
        if isinstance(outcome, Rejected):
            errors.append(LineError(line=event.line or 0, reason=str(outcome)))
        else:
            enrolled += len(outcome or ())
    return Placed(
        customers=batch.customers, events=batch.events, repeated=batch.repeated, enrolled=enrolled, errors=errors
    )


def fail_alone(session: Session, one: Work) -> Sequence[Work]:
    """What can fail alone: each event of one who is known; the history of a new one, whom all of it places."""
    name, messages = one
    return [(name, [message]) for message in messages] if _existing(session, [name]) else [one]


def _existing(session: Session, names: Sequence[str]) -> set[str]:
    """Whoever is a customer already, by whatever id, or was one and is erased: they go the way of live events."""
    users = [(USER, name) for name in names]
    owners, erased = identities.look_up(session, users)
    return {name for _, name in (*owners, *erased)}


class Batch:
    """Rows collected for one transaction, and the events that are to go the way of live ones."""

    def __init__(self, now: datetime) -> None:
        self.now = now
        self.customers = self.events = self.repeated = self.enrolled = 0
        self.live: list[IncomingEvent] = []
        self.errors: list[LineError] = []
        self.rows: dict[type, list[bulk.ColumnValues]] = {
            table: [] for table in (Customer, CustomerWord, Event, Enrollment, Decision, Interest, Assignment, Dispatch)
        }
        self.messages: list[bulk.ColumnValues] = []
        self.unread = UnreadInEvents()
        self.tally = Tally()

    def refused(self, error: LineError) -> None:
        """An event of somebody new was not taken."""
        self.errors.append(error)
        self.events -= 1

    def add(self, table: type, **columns: Any) -> None:
        """Collect a row of a table."""
        self.rows[table].append(columns)

    def write(self, session: Session) -> None:
        """Insert what was collected, table by table, each after those that it refers to."""
        for table, rows in self.rows.items():
            bulk.add(session, table, rows)
        messages.add(session, self.messages)
        self.unread.count(session, self.now)
        self.tally.write(session)


def _place(batch: Batch, messages: Sequence[IncomingEvent], journey: LiveJourney | None) -> int:
    """Rows of one new customer; return how many enrollments there are."""
    customer = Customer(
        id=new_id("cus"), external_id=messages[0].user_id, created_at=messages[0].at, updated_at=batch.now
    )
    history = _history(batch, customer, messages)
    if not history.events:
        return 0
    batch.add(Customer, **customer.model_dump())
    batch.rows[CustomerWord] += words.rows(customer)
    return _enroll(batch, customer, history, journey) if journey else 0


def _history(batch: Batch, customer: Customer, messages: Sequence[IncomingEvent]) -> CustomerHistory:
    recorded: list[RecordedEvent] = []
    aggregates: dict[str, Aggregate] = {}
    for message in messages:
        seq, properties = len(recorded) + 1, dict(message.properties)
        before = aggregates.get(message.name, customer_facts.NOTHING)
        try:
            after = customer_facts.fold(before, message.at, customer_facts.amount(properties))
            ingest.take_traits(customer, message, batch.now)
        except Rejected as rejected:
            batch.refused(LineError(line=message.line or 0, reason=str(rejected)))
            continue
        except Exception as error:
            batch.refused(line_error(message.line or 0, error))
            continue
        aggregates[message.name] = after
        customer.source = dict(touches.fold(customer.source, message.touch))
        batch.unread.look(customer.id, message.type, message.name, properties)
        recorded.append(RecordedEvent(seq=seq, name=message.name, at=message.at, properties=properties))
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
    customer.purchases = past_orders.folded((one.seq, one.name, one.at, one.properties) for one in recorded)
    return CustomerHistory(id=customer.id, events=recorded, attributes={"id": customer.external_id},
                           timezone=customer.timezone, source=customer.source)  # fmt: skip


def _enroll(batch: Batch, customer: Customer, history: CustomerHistory, journey: LiveJourney) -> int:
    """Every run that the history leads to; all but the last of a key have ended."""
    version, program = journey
    numbers = Counter[str]()
    enrollments = backtest.enrollments(program, history, batch.now, everything_goes, name=lambda *_: new_id("enr"))
    past = [decision for simulated in enrollments for decision in simulated.trace.decisions]
    batch.rows[Assignment] += splits.of_the_past(customer.id, version.journey, past)
    for simulated in enrollments:
        state = simulated.trace.state = replace(simulated.trace.state, cursor=customer.seq)
        numbers[simulated.key] += 1
        _enrollment(batch, version, simulated, numbers[simulated.key])
        _record(batch, program, simulated.trace)
        if state.ended:
            ended_at, since = state.clock or batch.now, state.since or simulated.event.at
            batch.tally.end(state.enrollment, version.journey, state.stage, state.reason or "", ended_at, since)
        else:
            _start(batch, version, program, simulated, numbers[simulated.key])
    return len(enrollments)


def _enrollment(batch: Batch, version: JourneyVersion, simulated: SimulatedEnrollment, run: int) -> None:
    state = simulated.trace.state
    entered = enrollments.row(
        version,
        state.customer,
        key=simulated.key,
        run=run,
        source=f"import, event {simulated.event.name}",
        data=entry_rules.data_of(backtest.facts_of(simulated.event)),
        stage=state.stage,
        cursor=state.cursor,
        entered_at=simulated.event.at,
        enrollment_id=state.enrollment,
    )
    today = {
        "status": EnrollmentStatus.ENDED if state.ended else EnrollmentStatus.LIVE,
        "reason": state.reason,
        "step": state.position,
        "visit": state.visit,
        "state": kept(state),
        **dict.fromkeys(("wakes_at", "due_at"), state.wakes_at),
        "stage_since": state.since or simulated.event.at,
        "ended_at": state.clock if state.ended else None,
    }
    batch.rows[Enrollment].append(entered | today)


def _record(batch: Batch, program: Program, trace: Trace) -> None:
    """Every decision of the past, and every mail that was not sent."""
    enrollment = trace.state.enrollment
    since = trace.state.entered_at
    batch.tally.move(enrollment, program.journey, "", program.start, since or batch.now)
    for decision in trace.decisions:
        detail = dict(decision.detail)
        if decision.what == "moved":
            begun = since or decision.at
            target = str(decision.detail["to"])
            batch.tally.move(enrollment, program.journey, decision.stage, target, decision.at, decision.at - begun)
            detail["since"] = begun.isoformat()
            since = decision.at
        _decision(batch, program, trace.state, decision, decision.what, detail)
    for ask, asked in trace.asked:
        if asked:
            verdicts = [one.as_json() for one in asked]
            _decision(batch, program, trace.state, ask, "asked", {"why": ask.why, "guards": verdicts})
    for plan in trace.planned:
        _skipped(batch, program, trace.state, plan)


def _decision(
    batch: Batch, program: Program, state: State, command: decisions.NumberedCommand, what: str, detail: dict[str, Any]
) -> None:
    row = decisions.of_command(
        command,
        what,
        detail,
        customer_id=state.customer,
        journey=program.journey,
        enrollment_id=state.enrollment,
    )
    batch.rows[Decision].append(row)


def _skipped(batch: Batch, program: Program, state: State, plan: Plan) -> None:
    send = program.nodes[NodeId(plan.step)]
    assert isinstance(send, SendNode)
    row = message_row(program, state.enrollment, state.customer, plan, send, plan.at, IMPORTED)
    batch.messages.append(row)
    detail = {"message": row["id"], "template": send.template, "reason": "imported"}
    _decision(batch, program, state, plan, "skipped", detail)


def _start(batch: Batch, version: JourneyVersion, program: Program, simulated: SimulatedEnrollment, run: int) -> None:
    """Where the customer stands, what is waited for, and the start of the workflow with this very state."""
    trace = simulated.trace
    state = trace.state
    batch.tally.arrive(state.enrollment, (version.journey, state.stage, state.position or ""))
    for name in pokes_for(program, state):
        batch.rows[Interest].append(interests.row(state.enrollment, state.customer, name))
    name = workflow_id(version.journey, state.customer, simulated.key, run)
    start = {"digest": version.digest, "state": kept(state)}
    batch.add(Dispatch, **dispatches.row(state.enrollment, name, "start", start, Priority.BULK_START, batch.now))
