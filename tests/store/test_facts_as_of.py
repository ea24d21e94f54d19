"""What was known of a customer at an earlier event: the history is not folded again for it."""

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import col, select

from journeys.facts import customer_facts
from journeys.facts.customer_facts import Aggregate
from services.customers.attributes import known_facts
from services.customers.history.event_log import EventLog, NewEvent
from services.ingestion.ingest import IngestResult
from store.session import Database
from store.tables.customers import Customer, Event
from tests.conftest import Statements

Ingest = Callable[..., IngestResult]
NAMES = ("Order", "Page Viewed", "Tour")


def happens(database: Database, events: list[NewEvent], now: datetime) -> None:
    with database.writing() as session:
        log = EventLog(session, now)
        customer = session.exec(select(Customer)).one()
        for event in events:
            log.append(customer, event)
        log.store()


def as_of(database: Database, seq: int) -> dict[str, Aggregate]:
    """What the product says; what never happened is left out."""
    with database.reading() as session:
        known = known_facts.facts_of(session, session.exec(select(Customer)).one(), seq)
    return {name: one for name, one in known.aggregates.items() if one.count}


def folded(database: Database, seq: int) -> dict[str, Aggregate]:
    """The same from the events themselves."""
    found = dict[str, Aggregate]()
    with database.reading() as session:
        for one in session.exec(select(Event).where(Event.seq <= seq).order_by(col(Event.seq))).all():
            before = found.get(one.name, customer_facts.NOTHING)
            found[one.name] = customer_facts.fold(before, one.at, customer_facts.amount(one.properties))
    return found


def events(count: int, now: datetime, chance: random.Random, amounts: tuple[float, ...]) -> list[NewEvent]:
    """Events that do not come in the order in which they happened; of one name there are none among the latest."""
    return [
        NewEvent(
            name=chance.choice(NAMES if number < 20 else NAMES[:-1]),
            at=now + timedelta(hours=chance.randrange(30) + number // 20),
            properties={"total": chance.choice(amounts)},
        )
        for number in range(count)
    ]


@pytest.mark.parametrize("amounts", [(1.5, 20.25, -3.1), (1.5, 1e17, 0.000_000_4)], ids=["prices", "odd amounts"])
def test_every_point_of_a_history_is_seen_as_it_was(
    database: Database, take: Ingest, noon: datetime, amounts: tuple[float, ...]
) -> None:
    take({"type": "identify", "userId": "ann"})
    count = 2 * known_facts.LATEST
    happens(database, events(count, noon, random.Random(7), amounts), noon)
    for seq in (*range(1, count + 1, 7), count + 1):
        assert as_of(database, seq) == folded(database, seq), seq


@pytest.mark.parametrize("count", [200, 2_000])
def test_a_question_after_a_later_event_reads_no_more_of_a_longer_history(
    database: Database, take: Ingest, noon: datetime, count: int, statements: Statements
) -> None:
    take({"type": "identify", "userId": "ann"})
    view = NewEvent(name="Page Viewed", at=noon, properties={"price": 1})
    happens(database, [view] * count, noon)
    happens(database, [NewEvent(name="Page Viewed", at=noon + timedelta(hours=1))], noon)
    with statements(database, at_most=6) as asked:
        assert as_of(database, count + 1)["Page Viewed"].count == count
    assert [one for one in asked if "seq <=" in one and "LIMIT" not in one] == []
