"""Event histories into the store, customer by customer; whoever is new stands where their history puts them today.

The events of those who were customers before go the way of live events, but let nobody into the journey that is
imported into: once all events are there, `placing_known` places them. Each chunk of customers is one transaction, and a
message id that is known already is a repeat, so an import may be cut off and run again.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from sqlmodel import Session

from journeys.facts import customer_facts, touches
from journeys.facts.customer_facts import Aggregate
from journeys.simulation.simulator import RecordedEvent
from services.customers.attributes.unreadable import UnreadInEvents
from services.customers.history import past_orders
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.imports.histories.joined_profiles import Work, joined_by_address
from services.imports.histories.names_in_files import ANONYMOUSLY, identifier, name_of
from services.imports.placing import gathered_histories
from services.imports.placing.placed_runs import PlacedRuns
from services.imports.placing.placing_known import LeftAlone, left_alone
from services.ingestion import ingest
from services.ingestion.segment_api import IncomingEvent
from services.operations.item_pages import line_error
from services.operations.operations import LineError
from services.values import Rejected
from store import bulk
from store.ids import new_id
from store.queries.definitions.journeys import LiveJourney
from store.queries.history import event_names, events, imported_rows
from store.queries.identity import customer_words as words
from store.queries.identity import identities
from store.queries.identity.tombstones import USER
from store.tables.customers import Customer, CustomerWord, Event

CHUNK = 100
"""Customers in one transaction, with their whole history: the write lock is held for that long, and the rows are in
memory."""


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
    owners, erased = _existing(session, [name for name, _ in chunk])
    known = owners.keys() | erased | joined_by_address(session, chunk)
    batch = Batch(now, journey, left_alone(session, journey, owners) if journey else {})
    for name, tracked in chunk:
        fresh = [one for one in tracked if one.message_id not in known_ids]
        batch.customers += 1
        batch.repeated += len(tracked) - len(fresh)
        batch.events += len(fresh)
        if fresh and (name in known or name.startswith(ANONYMOUSLY)):
            batch.live += fresh
        elif fresh:
            batch.place(fresh)
    return batch


@dataclass(frozen=True, slots=True, kw_only=True)
class Placed:
    """What became of a chunk: how many customers and new events, how many known events, enrollments, wrong lines.

    `left_alone` is who was in the journey before, by their name in the file.
    """

    customers: int
    events: int
    repeated: int
    enrolled: int
    errors: Sequence[LineError]
    left_alone: Mapping[str, LeftAlone] = field(default_factory=dict[str, LeftAlone])


def write(session: Session, batch: "Batch") -> Placed:
    """Store a prepared chunk. Those who were customers before go the way of live events."""
    errors, enrolled = batch.errors, batch.runs.count
    batch.write(session)
    listeners = Listeners.load(session)
    event_names.remember(session, {str(row["name"]) for row in batch.rows[Event]}, batch.now)
    customer_events.reevaluate_everybody(session, listeners, batch.now)
    if batch.journey is not None:
        listeners = listeners.but_for_newcomers_to(batch.journey[0].journey)
    live = [one for turn in bulk.turns(batch.live, name_of) for one in turn]
    for event, outcome in zip(live, ingest.take_all(session, live, listeners, batch.now), strict=True):
        if isinstance(outcome, Rejected):
            errors.append(LineError(line=event.line or 0, reason=str(outcome)))
        else:
            enrolled += len(outcome or ())
    batch.unread.count(session, batch.now)
    return Placed(
        customers=batch.customers,
        events=batch.events,
        repeated=batch.repeated,
        enrolled=enrolled,
        errors=errors,
        left_alone=batch.left_alone,
    )


def fail_alone(session: Session, one: Work) -> Sequence[Work]:
    """What can fail alone: each event of one who is known; the history of a new one, whom all of it places."""
    name, messages = one
    owners, erased = _existing(session, [name])
    return [(name, [message]) for message in messages] if owners or erased else [one]


def _existing(session: Session, names: Sequence[str]) -> tuple[dict[str, str], set[str]]:
    """Whoever is a customer already, by whatever id, with their own one, and who was one and is erased."""
    by_id = {identifier(name): name for name in names}
    owners, erased = identities.look_up(session, [one for one in by_id if one[0] == USER])
    return {by_id[one]: owner for one, owner in owners.items()}, {by_id[one] for one in erased}


class Batch:
    """Rows collected for one transaction, and the events that are to go the way of live ones."""

    def __init__(self, now: datetime, journey: LiveJourney | None, left_alone: Mapping[str, LeftAlone]) -> None:
        self.now, self.journey, self.left_alone = now, journey, left_alone
        self.customers = self.events = self.repeated = 0
        self.live: list[IncomingEvent] = []
        self.errors: list[LineError] = []
        self.rows: dict[type, list[bulk.ColumnValues]] = {table: [] for table in (Customer, CustomerWord, Event)}
        self.runs = PlacedRuns(now)
        self.unread = UnreadInEvents()

    def write(self, session: Session) -> None:
        """Insert what was collected, table by table, each after those that it refers to."""
        imported_rows.add(session, self.rows)
        self.runs.write(session)

    def place(self, messages: Sequence[IncomingEvent]) -> None:
        """A new customer, what they did, and where that puts them."""
        customer = Customer(
            id=new_id("cus"), external_id=messages[0].user_id, created_at=messages[0].at, updated_at=self.now
        )
        recorded = self._record(customer, messages)
        if not recorded:
            return
        self.rows[Customer].append(customer.model_dump())
        self.rows[CustomerWord] += words.rows(customer)
        if self.journey is not None:
            self.runs.add(customer, gathered_histories.gathered(customer, recorded), self.journey)

    def _record(self, customer: Customer, messages: Sequence[IncomingEvent]) -> list[RecordedEvent]:
        """The events of a new customer, who learns what they say; one that cannot be taken is an error of its line."""
        recorded: list[RecordedEvent] = []
        aggregates: dict[str, Aggregate] = {}
        for message in messages:
            seq, properties = len(recorded) + 1, dict(message.properties)
            before = aggregates.get(message.name, customer_facts.NOTHING)
            try:
                after = customer_facts.fold(before, message.at, customer_facts.amount(properties))
                ingest.take_traits(customer, message, self.now)
            except Rejected as rejected:
                self._refused(LineError(line=message.line or 0, reason=str(rejected)))
                continue
            except Exception as error:
                self._refused(line_error(message.line or 0, error))
                continue
            aggregates[message.name] = after
            customer.source = dict(touches.fold(customer.source, message.touch))
            self.unread.look(customer.id, message.type, message.name, properties)
            recorded.append(RecordedEvent(seq=seq, name=message.name, at=message.at, properties=properties))
            self.rows[Event].append(self._event(customer, seq, message, properties))
        customer.seq = len(recorded)
        customer.events = {name: one.as_json() for name, one in aggregates.items()}
        customer.purchases = past_orders.folded((one.seq, one.name, one.at, one.properties) for one in recorded)
        return recorded

    def _event(
        self, customer: Customer, seq: int, message: IncomingEvent, properties: dict[str, object]
    ) -> bulk.ColumnValues:
        return {
            "id": new_id("evt"),
            "message_id": message.message_id,
            "customer_id": customer.id,
            "seq": seq,
            "type": message.type,
            "name": message.name,
            "properties": properties,
            "fires": False,
            "at": message.at,
            "received_at": self.now,
        }

    def _refused(self, error: LineError) -> None:
        """An event of somebody new was not taken."""
        self.errors.append(error)
        self.events -= 1
