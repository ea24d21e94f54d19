"""The status of one customer among 10,000 enrollments and among 1,000,000: it must not grow with the crowd."""

import logging
import random
import statistics
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog
from fastapi.testclient import TestClient

from services.access import api_keys
from store import bulk, migrate
from store.queries import decisions
from store.tables.customers import Customer, Event
from store.tables.definitions import Journey
from store.tables.enrollments import Enrollment
from waypost.processes.api import build
from waypost.settings import Settings
from waypost.wiring import Parts

SIZES = (10_000, 1_000_000)
CHUNK = 20_000
EACH = 3
ASKED = 300
BEGIN = datetime(2026, 1, 1, tzinfo=UTC)


def main() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    times = {size: _measure(size) for size in SIZES}
    small, large = (times[size] for size in SIZES)
    print(f"growth from {SIZES[0]:,} to {SIZES[1]:,} enrollments: {large / small:.2f} (wanted below 1.30)")


def _measure(size: int) -> float:
    """Milliseconds for one status over HTTP, the median of many."""
    with tempfile.TemporaryDirectory() as home:
        parts = Parts(Settings(_env_file=None, home=Path(home)))  # type: ignore[call-arg]
        migrate.upgrade(parts.database.engine)
        _fill(parts, size)
        with parts.database.writing() as session:
            key = api_keys.create(session, "bench", ["support"], parts.clock())[1]
        names, took = random.Random(7).sample(range(size), ASKED), list[float]()
        client = TestClient(build(parts), headers={"Authorization": f"Bearer {key}"})
        for name in names:
            begun = time.perf_counter()
            answers = [client.get(f"/v1/customers/{name}"), client.get(f"/v1/customers/{name}/timeline")]
            took.append((time.perf_counter() - begun) * 1000)
            assert [one.status_code for one in answers] == [200, 200]
            assert len(answers[1].json()["items"]) == EACH + 1
        parts.close()
        print(f"{size:>9,} enrollments: status and timeline in {statistics.median(took):.1f} ms (median of {ASKED})")
        return statistics.median(took)


def _fill(parts: Parts, size: int) -> None:
    with parts.database.writing() as session:
        row = Journey(key="lifecycle", live_version=1, lifecycle=True, created_at=BEGIN, updated_at=BEGIN)
        session.add(row)
    for start in range(0, size, CHUNK):
        some = range(start, min(start + CHUNK, size))
        at = BEGIN + timedelta(seconds=start)
        with parts.database.writing() as session:
            bulk.add(session, Customer, [_customer(one, at) for one in some])
            bulk.add(session, Event, [_event(one, at) for one in some])
            bulk.add(session, Enrollment, [_enrollment(one, at) for one in some])
            decisions.add(session, [_decision(one, step, at) for one in some for step in range(EACH)])


def _customer(one: int, at: datetime) -> bulk.ColumnValues:
    return {
        "id": f"cus_{one}", "external_id": str(one), "email": f"c{one}@example.com", "attributes": {}, "events": {},
        "segments": [], "seq": 1, "created_at": at, "updated_at": at,
    }  # fmt: skip


def _event(one: int, at: datetime) -> bulk.ColumnValues:
    return {
        "id": f"evt_{one}", "message_id": str(one), "customer_id": f"cus_{one}", "seq": 1, "type": "track",
        "name": "Order Completed", "properties": {}, "fires": True, "at": at, "received_at": at,
    }  # fmt: skip


def _enrollment(one: int, at: datetime) -> bulk.ColumnValues:
    return {
        "id": f"enr_{one}", "journey": "lifecycle", "version": 1, "digest": "d", "customer_id": f"cus_{one}", "key": "",
        "run": 1, "workflow_id": f"w{one}", "source": "event Order Completed", "data": {}, "shifts": [],
        "status": "live", "stage": f"s{one % 5}", "visit": 1, "number": 3, "cursor": 1, "paused": False,
        "entered_at": at, "stage_since": at,
    }  # fmt: skip


def _decision(one: int, step: int, at: datetime) -> bulk.ColumnValues:
    detail = {"waits_for": [], "wakes_at": None}
    return decisions.row(
        f"cus_{one}",
        "settled",
        detail,
        at,
        journey="lifecycle",
        enrollment_id=f"enr_{one}",
        number=step,
        stage="s",
    )
