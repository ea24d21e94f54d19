"""One event a call, and customers who are new: against what is written by hand, and against customers who are known."""

import asyncio
import logging
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import structlog
from fastapi import FastAPI, Request
from fastapi.concurrency import run_in_threadpool
from sqlmodel import Session

from services.access.keys import api_keys
from services.ingestion import ingest
from store import bulk, migrate
from store.session import Database
from store.tables.customers import Customer, Event
from waypost.processes import garbage_collection
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

CALLS = 400
BATCH, BATCHES = 500, 6
AT = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    """On SQLite, in one process: the time of a call is the API's own, without a network."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        asyncio.run(_one_a_call(Path(folder)))
    with tempfile.TemporaryDirectory(prefix="waypost-bench-") as folder:
        _new_customers(f"sqlite:///{folder}/new.db")


async def _one_a_call(home: Path) -> None:
    parts = Parts(Settings(_env_file=None, home=home))  # type: ignore[call-arg]
    migrate.upgrade(parts.database.engine)
    with parts.database.writing() as session:
        key = api_keys.create(session, "bench", ["ingest"], parts.clock(), rate="1000000/second")[1]
    garbage_collection.freeze_loaded()
    headers = {"Authorization": f"Bearer {key}"}
    async with _client(build(parts), headers) as ours, _client(_by_hand(parts.database), {}) as bare:
        taken, floor = await _medians(
            lambda number: ours.post("/v1/track", json=_event(number)),
            lambda number: bare.post("/track", json=_event(number)),
        )
    parts.close()
    print(f"one event a call: {taken:.2f} ms; by hand, one row and a commit: {floor:.2f} ms; ratio {taken / floor:.2f}")


def _client(app: Any, headers: dict[str, str]) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://127.0.0.1", headers=headers)


async def _medians(*calls: Callable[[int], Awaitable[httpx.Response]]) -> list[float]:
    """Milliseconds of each kind of call, the medians of many that take turns."""
    took: list[list[float]] = [[] for _ in calls]
    for number in range(CALLS):
        for call, mine in zip(calls, took, strict=True):
            begun = time.perf_counter()
            answer = await call(number)
            mine.append((time.perf_counter() - begun) * 1_000)
            assert answer.status_code == 200, answer.text
    return [statistics.median(mine[CALLS // 4 :]) for mine in took]


def _event(number: int) -> dict[str, Any]:
    name = f"m{number}-{time.perf_counter_ns()}"
    return {"userId": f"u{number % 50}", "event": "Viewed", "messageId": name, "properties": {"price": 1.5}}


def _by_hand(database: Database) -> FastAPI:
    """What somebody would write who keeps events and nothing else."""
    app = FastAPI()

    @app.post("/track")
    async def track(request: Request) -> dict[str, bool]:
        item = await request.json()
        await run_in_threadpool(database.write, lambda session: _keep(session, item))
        return {"success": True}

    return app


def _keep(session: Session, item: dict[str, Any]) -> None:
    owner = session.connection().exec_driver_sql("SELECT id FROM customer LIMIT 1").scalar_one()
    number = time.perf_counter_ns()
    row: bulk.ColumnValues = {
        "id": f"h{number}", "message_id": item["messageId"], "customer_id": owner, "seq": number, "type": "track",
        "name": item["event"], "properties": item["properties"], "fires": True, "at": AT, "received_at": AT,
    }  # fmt: skip
    bulk.add(session, Event, [row])


def _new_customers(url: str) -> None:
    """An event of a new customer against one of a known one, in batches."""
    database = Database(url)
    migrate.upgrade(database.engine)
    garbage_collection.freeze_loaded()
    new, known = list[float](), list[float]()
    for number in range(BATCHES):
        for round, took in ((0, new), (1, known)):
            items = [
                {
                    "type": "track",
                    "userId": f"{number}-{one}",
                    "event": "Viewed",
                    "messageId": f"{number}-{one}-{round}",
                }
                for one in range(BATCH)
            ]
            begun = time.perf_counter()
            with database.writing() as session:
                ingest.ingest(session, items, datetime.now(UTC))
            took.append((time.perf_counter() - begun) * 1_000_000 / BATCH)
    with database.reading() as session:
        assert (
            len(session.connection().exec_driver_sql(f"SELECT 1 FROM {Customer.__tablename__}").all())
            == BATCH * BATCHES
        )
    database.close()
    one, other = statistics.median(new), statistics.median(known)
    print(f"an event of a new customer: {one:.0f} µs; of a known one: {other:.0f} µs; ratio {one / other:.2f}")


if __name__ == "__main__":
    main()
