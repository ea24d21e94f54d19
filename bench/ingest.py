"""Events that nobody waits for, taken in by batches, against a bare bulk insert of the same rows (wanted: half).

In turns, of customers who are known and of customers nobody has heard of, whose rows the floor inserts too. Then events
that let somebody into a journey, one in a transaction, in turns with and without the series of days (wanted: 5% at
most); an event that moves nobody writes none.
"""

import json
import statistics
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast
from unittest.mock import patch

import psycopg
import sqlalchemy as sa
from sqlmodel import SQLModel, col, func, select

from bench import crowd
from services.ingestion import ingest, segment_api
from store import migrate
from store.queries.figures import series
from store.session import Database
from store.tables.customers import Customer, Event
from store.tables.series import DayCount
from tests import postgresql
from waypost.processes import garbage_collection

CUSTOMERS = 200
BATCH = 2_000
BATCHES = 5
ENTERING = 1_000
"""Events that let somebody in, with the series and without."""

WARMING = 50
"""Of each before it is measured."""

ROWS = [SQLModel.metadata.tables[name] for name in ("customer", "customer_word", "event")]
"""What the floor inserts, each table before those that refer to it."""

Row = Mapping[str, Any]


def main() -> None:
    """On SQLite, and on the PostgreSQL that a wheel carries."""
    with tempfile.TemporaryDirectory() as folder:
        _measure("SQLite", lambda name: f"sqlite:///{folder}/{name}.db")
    _on_postgres()


def _on_postgres() -> None:
    with postgresql.server() as running:

        def fresh(name: str) -> str:
            with psycopg.connect(running.get_uri(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {name}".encode())
            base, _, rest = running.get_uri().rpartition("/postgres?")
            return f"{base}/{name}?{rest}"

        _measure("PostgreSQL", fresh)


def _measure(kind: str, url: Callable[[str], str]) -> None:
    taken, floor = Database(url("taken")), Database(url("bare"))
    for database in (taken, floor):
        migrate.upgrade(database.engine)
    _people(taken)
    garbage_collection.freeze_loaded()  # as the API does when it starts
    _copy(taken, floor)
    spent = {"known": Spent(), "new": Spent()}
    for number in range(BATCHES):
        for whose, cost in spent.items():
            cost.ours += _cpu(lambda body=_body(number, whose): _take(taken, body))
            cost.bare += _copy(taken, floor)
    with taken.reading() as session:
        assert session.exec(select(func.count(col(Customer.id)))).one() == CUSTOMERS + BATCH * BATCHES
        assert session.exec(select(func.count(col(Event.id)))).one() == 2 * BATCH * BATCHES + CUSTOMERS
    for whose, cost in spent.items():
        ours, bare = (seconds / BATCH / BATCHES * 1e6 for seconds in (cost.ours, cost.bare))
        told = f"{ours:.0f} us of CPU an event, bare bulk insert {bare:.0f}; ratio {bare / ours:.2f}"
        print(f"{kind}, {whose:>5} customers: {told}")
    print(f"{kind}: an event of a new customer costs {spent['new'].ours / spent['known'].ours:.1f} of a known one's")
    _series(kind, taken)
    taken.close()
    floor.close()


def _series(kind: str, database: Database) -> None:
    """What the series of days cost an event that writes them: the same work with and without, in turns, in one run."""
    with database.writing() as session:
        crowd.publish(session)
    spent = {"with": list[float](), "without": list[float]()}
    for number in range(2 * (ENTERING + WARMING)):
        how = "with" if (number + number // 2) % 2 else "without"  # neither is always the first of a pair
        body = _entering(number)
        with nullcontext() if how == "with" else patch.object(series.DayTally, "move", _leave_out):
            spent[how].append(_cpu(lambda body=body: _take(database, body)))
    each = {how: statistics.median(those[WARMING:]) * 1e6 for how, those in spent.items()}
    more = each["with"] / each["without"] - 1
    with database.reading() as session:
        counted = sum(session.exec(select(DayCount.count).where(DayCount.name == series.MOVED)).all())
    assert counted == ENTERING + WARMING
    told = f"{each['with']:.0f} us of CPU an event that enters, {each['without']:.0f} without"
    print(f"{kind}: series of days: {told}; {more:+.1%} (wanted at most +5%)")


def _leave_out(*_: object) -> None:
    """In the place of what writes the series."""


def _entering(number: int) -> bytes:
    event = {"type": "track", "userId": f"e{number}", "event": "Signed Up", "messageId": f"e{number}"}
    return json.dumps({"batch": [event]}).encode()


@dataclass(slots=True)
class Spent:
    """Seconds of this process's CPU."""

    ours: float = 0
    bare: float = 0


def _cpu(work: Callable[[], Any]) -> float:
    begun = time.process_time()
    work()
    return time.process_time() - begun


def _rows(database: Database) -> dict[str, dict[tuple[Any, ...], Row]]:
    """Each table's rows by their key."""
    with database.reading() as session:
        return {
            table.name: {
                tuple(row[column.name] for column in table.primary_key): cast(Row, row)
                for row in session.connection().execute(table.select()).mappings()
            }
            for table in ROWS
        }


def _copy(taken: Database, floor: Database) -> float:
    """Insert into the floor what it has not; returns the seconds that costs."""
    ours, theirs = _rows(taken), _rows(floor)
    new = {name: [dict(row) for key, row in rows.items() if key not in theirs[name]] for name, rows in ours.items()}

    def bare() -> None:
        with floor.writing() as session:
            for table in ROWS:
                if new[table.name]:
                    session.connection().execute(sa.insert(table), new[table.name])

    return _cpu(bare)


def _take(database: Database, body: bytes) -> None:
    with database.writing() as session:
        items, strict = segment_api.parsed(body)
        ingest.ingest(session, items["batch"], datetime.now(UTC), strict=strict)


def _people(database: Database) -> None:
    everybody = [{"type": "identify", "userId": f"u{one}", "traits": {"plan": "pro"}} for one in range(CUSTOMERS)]
    with database.writing() as session:
        ingest.ingest(session, everybody, datetime.now(UTC))


def _body(number: int, whose: str) -> bytes:
    """A batch of product views, as a shop sends them; each of another new customer where they are not known."""
    events = [
        {
            "type": "track",
            "userId": f"u{one * 7 % CUSTOMERS}" if whose == "known" else f"n{number}-{one}",
            "event": f"Product Viewed {one % 5}",
            "messageId": f"{whose}-{number}-{one}",
            "timestamp": datetime.now(UTC).isoformat(),
            "properties": {"product_id": f"p-{one}", "price": one / 100, "category": "books", "url": "https://x.example/p"},
            "context": {"library": {"name": "bench", "version": "1"}},
        }
        for one in range(BATCH)
    ]  # fmt: skip
    return json.dumps({"batch": events}).encode()


if __name__ == "__main__":
    main()
