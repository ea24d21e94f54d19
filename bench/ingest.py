"""Events that nobody waits for, taken in by batches, against a bare bulk insert of the same rows (wanted: half)."""

import json
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import psycopg
from sqlalchemy import insert
from sqlmodel import col, func, select

from services.ingestion import ingest, segment_api
from store import migrate
from store.session import Database
from store.tables.customers import Customer, Event
from tests import postgresql
from waypost.processes import garbage_collection

CUSTOMERS = 200
BATCH = 2_000
BATCHES = 5


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
    bodies = [_body(number) for number in range(BATCHES)]
    taken, floor = Database(url("taken")), Database(url("bare"))
    for database in (taken, floor):
        migrate.upgrade(database.engine)
    _people(taken)
    garbage_collection.freeze_loaded()  # as the API does when it starts
    with taken.reading() as session:
        people = [one.model_dump() for one in session.exec(select(Customer)).all()]
    with floor.writing() as session:
        session.connection().execute(insert(Customer), people)
    ours = _timed(lambda body: _take(taken, body), bodies)
    with taken.reading() as session:
        rows = [one.model_dump() for one in session.exec(select(Event).where(Event.name != "Identify")).all()]
    parts = [rows[start : start + BATCH] for start in range(0, len(rows), BATCH)]
    bare = _timed(lambda part: _bare(floor, part), parts)
    with taken.reading() as session:
        assert session.exec(select(func.count(col(Event.id)))).one() == BATCH * BATCHES + CUSTOMERS
    rate, most = BATCH * BATCHES / ours, BATCH * BATCHES / bare
    print(f"{kind}: {rate:,.0f} events/s taken in; bare bulk insert {most:,.0f} rows/s; ratio {rate / most:.2f}")
    taken.close()
    floor.close()


def _timed(work: Callable[[Any], None], parts: list[Any]) -> float:
    begun = time.perf_counter()
    for part in parts:
        work(part)
    return time.perf_counter() - begun


def _take(database: Database, body: bytes) -> None:
    with database.writing() as session:
        items, strict = segment_api.parsed(body)
        ingest.ingest(session, items["batch"], datetime.now(UTC), strict=strict)


def _bare(database: Database, rows: list[dict[str, Any]]) -> None:
    with database.writing() as session:
        session.connection().execute(insert(Event), rows)


def _people(database: Database) -> None:
    everybody = [{"type": "identify", "userId": f"u{one}", "traits": {"plan": "pro"}} for one in range(CUSTOMERS)]
    with database.writing() as session:
        ingest.ingest(session, everybody, datetime.now(UTC))


def _body(number: int) -> bytes:
    """A batch of product views, as a shop sends them."""
    events = [
        {
            "type": "track",
            "userId": f"u{one * 7 % CUSTOMERS}",
            "event": f"Product Viewed {one % 5}",
            "messageId": f"{number}-{one}",
            "timestamp": datetime.now(UTC).isoformat(),
            "properties": {"product_id": f"p-{one}", "price": one / 100, "category": "books", "url": "https://x.example/p"},
            "context": {"library": {"name": "bench", "version": "1"}},
        }
        for one in range(BATCH)
    ]  # fmt: skip
    return json.dumps({"batch": events}).encode()


if __name__ == "__main__":
    main()
