"""A backtest over the store goes through the customers page by page, and comes to what it would of all at once."""

import csv
import gc
from collections import defaultdict
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import pytest

from activities.operations import simulate
from journeys.checks import source
from journeys.program.compiler import compile_journey
from journeys.simulation.backtest import CustomerHistory, Totals
from journeys.simulation.simulator import RecordedEvent
from services.simulation import backtests, cohorts
from store import bulk
from store.queries.history import events
from store.session import Database
from store.tables.access import Operation
from store.tables.customers import Customer

ORDERED = """
journey: cdnow
enter: [{on: Order Completed}]
defaults: {topic: news}
start: first
stages:
  first:
    steps: [{send: mail_a}, {wait: 14 days}, {send: mail_b}]
    transitions: [{on: Order Completed, to: repeat}, {inactive: 90 days, of: Order Completed, to: lapsed}]
  repeat:
    transitions: [{inactive: 90 days, of: Order Completed, to: lapsed}]
  lapsed:
    steps: [{send: mail_c}]
    transitions: [{on: Order Completed, to: repeat}]
"""
ORDERS = Path(__file__).parents[2] / "examples" / "cdnow" / "orders.csv"
CUSTOMERS, PAGE = 240, 20
UNTIL = datetime(1998, 6, 30, tzinfo=UTC)


@pytest.fixture
def histories() -> list[CustomerHistory]:
    """The first customers of CDNOW with their orders, as they stand in the file."""
    found = defaultdict[str, list[RecordedEvent]](list)
    for row in csv.DictReader(ORDERS.read_text().splitlines()):
        name = f"cus_{row['customer']}"
        if name in found or len(found) < CUSTOMERS:
            mine, at = found[name], datetime.combine(date.fromisoformat(row["ordered_on"]), time(), UTC)
            bought = {"quantity": int(row["quantity"]), "total": float(row["total"])}
            mine.append(RecordedEvent(seq=len(mine) + 1, name="Order Completed", at=at, properties=bought))
    return [CustomerHistory(id=name, events=found[name], attributes={}) for name in sorted(found)]


@pytest.fixture
def recorded(database: Database, histories: list[CustomerHistory], noon: datetime) -> Database:
    """The store with these customers, and some who did nothing."""
    idle = [CustomerHistory(id=f"cus_idle{one}", events=[], attributes={}) for one in range(PAGE)]
    with database.writing() as session:
        people = [{"id": one.id, "attributes": {}, "events": {}, "segments": [], "seq": len(one.events),
                   "created_at": noon, "updated_at": noon} for one in (*histories, *idle)]  # fmt: skip
        bulk.add(session, Customer, people)
        events.add(session, [
            {"id": f"{one.id}/{event.seq}", "message_id": f"{one.id}/{event.seq}", "customer_id": one.id,
             "seq": event.seq, "type": "track", "name": event.name, "properties": event.properties, "fires": True,
             "at": event.at, "received_at": noon}
            for one in histories for event in one.events
        ])  # fmt: skip
    return database


@pytest.fixture(autouse=True)
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cohorts, "PAGE", PAGE)
    monkeypatch.setattr(backtests, "CHUNK", PAGE)


def asked(operation: Operation, database: Database, noon: datetime) -> Iterator[Any]:
    return simulate(database, operation, lambda: noon)


def held() -> int:
    """Customers in memory with what they did."""
    return sum(isinstance(one, CustomerHistory) for one in gc.get_objects())


def test_no_more_than_a_page_of_customers_is_held(
    recorded: Database, publish: Callable[[str, str], None], histories: list[CustomerHistory], noon: datetime
) -> None:
    publish("cdnow", ORDERED)
    before = held()
    operation = Operation(
        id="op", kind="simulate", request={"journey": "cdnow", "until": UNTIL.isoformat()}, created_at=noon
    )
    most = [held() - before for _ in asked(operation, recorded, noon)]
    assert len(most) == 1 + CUSTOMERS // PAGE
    assert max(most) <= PAGE, most


def test_it_comes_to_the_same_as_all_of_them_at_once(recorded: Database, histories: list[CustomerHistory]) -> None:
    program = compile_journey(source.read(ORDERED)[0])
    cohort = cohorts.RecordedCohort(recorded, None, UNTIL)
    assert list(cohort) == histories
    assert len(cohort) == CUSTOMERS
    assert told(backtests.parts(program, cohort, UNTIL)) == told(backtests.parts(program, histories, UNTIL))
    begin = histories[0].events[0].at + timedelta(days=30)
    later = cohorts.RecordedCohort(recorded, begin, UNTIL)
    assert len(later) == len(list(later)) < CUSTOMERS
    assert min(one.at for some in later for one in some.events) >= begin


def told(parts: Iterator[Totals]) -> dict[str, Any]:
    totals = Totals()
    for part in parts:
        totals.add(part)
    return totals.as_json()


def test_processes_beside_hold_a_page_for_each_core(
    recorded: Database, histories: list[CustomerHistory], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = compile_journey(source.read(ORDERED)[0])
    whole = told(backtests.parts(program, histories, UNTIL))
    monkeypatch.setattr(backtests, "ALONE", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    read = list[int]()

    class Counted(cohorts.RecordedCohort):
        def __iter__(self) -> Iterator[CustomerHistory]:
            read.append(0)
            for one in super().__iter__():
                read[-1] += 1
                yield one

    totals, ahead = Totals(), list[int]()
    for part in backtests.parts(program, Counted(recorded, None, UNTIL), UNTIL):
        totals.add(part)
        ahead.append(read[-1] - totals.customers)
    assert max(ahead) <= 2 * PAGE
    assert totals.as_json() == whole
