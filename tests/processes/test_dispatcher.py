"""Each row of a lease ends in its own result, whatever another raises; what fails the same way is set aside."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from temporalio.service import RPCError, RPCStatusCode

from activities import meters
from store import bulk
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import STUCK_AFTER, Priority
from store.session import Database
from store.statuses import DispatchStatus
from store.tables.enrollments import Dispatch
from tests.counted import Counted
from waypost.processes.dispatcher import POKES, Dispatcher


class Temporal:
    """Is asked to end workflows; what it raises for a workflow is told beforehand."""

    def __init__(self) -> None:
        self.raises: dict[str, Exception] = {}
        self.got: list[str] = []

    async def end(self, workflow_id: str) -> None:
        if workflow_id in self.raises:
            raise self.raises[workflow_id]
        self.got.append(workflow_id)


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


@pytest.fixture
def counted() -> Counted:
    return Counted()


@pytest.fixture
def dispatcher(database: Database, temporal: Temporal, clock: Any, noon: datetime, counted: Counted) -> Dispatcher:
    """Five workflows are to be ended."""
    with database.writing() as session:
        rows = [dispatches.row(f"e{one}", f"w{one}", "end", {}, Priority.SIGNAL, noon) for one in range(5)]
        bulk.add(session, Dispatch, rows)
    return Dispatcher(database, temporal, clock, count=meters.counting(counted))  # type: ignore[arg-type]


@pytest.fixture
def left(database: Database) -> Callable[[], list[tuple[str, DispatchStatus, int, str | None]]]:
    def run() -> list[tuple[str, DispatchStatus, int, str | None]]:
        with database.reading() as session:
            rows = session.exec(select(Dispatch).order_by(col(Dispatch.id))).all()
            return [(one.workflow_id, one.status, one.attempts, one.error) for one in rows]

    return run


async def test_a_row_that_fails_unexpectedly_fails_alone(
    dispatcher: Dispatcher, temporal: Temporal, left: Any, counted: Counted
) -> None:
    temporal.raises = {"w2": KeyError("payload")}
    await dispatcher.round(POKES)
    assert sorted(temporal.got) == ["w0", "w1", "w3", "w4"]
    assert left() == [("w2", DispatchStatus.READY, 1, "KeyError: 'payload'")]
    assert counted.unexpected() == ["dispatch"]


async def test_a_row_that_fails_again_and_again_the_same_way_is_set_aside(
    dispatcher: Dispatcher, temporal: Temporal, left: Any, clock: Any, database: Database
) -> None:
    temporal.raises = {"w2": KeyError("payload")}
    for _ in range(STUCK_AFTER + 2):
        await dispatcher.round(POKES)
        clock.forward(minutes=10)
    assert left() == [("w2", DispatchStatus.STUCK, STUCK_AFTER, "KeyError: 'payload'")]
    with database.writing() as session:
        row = session.exec(select(Dispatch)).one()
        assert dispatches.retry(session, row.id or 0)
    temporal.raises = {}
    await dispatcher.round(POKES)
    assert (left(), temporal.got[-1]) == ([], "w2")


async def test_a_server_that_is_away_sets_nothing_aside(
    dispatcher: Dispatcher, temporal: Temporal, left: Any, clock: Any
) -> None:
    away = RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
    temporal.raises = {f"w{one}": away for one in range(5)}
    for _ in range(STUCK_AFTER * 2):
        await dispatcher.round(POKES)
        clock.forward(minutes=10)
    assert {status for _, status, _, _ in left()} == {DispatchStatus.READY}
    temporal.raises = {}
    clock.forward(minutes=10)
    await dispatcher.round(POKES)
    assert left() == []


def test_only_a_row_that_is_stuck_is_retried_or_cancelled(database: Database, dispatcher: Dispatcher) -> None:
    with database.writing() as session:
        row = session.exec(select(Dispatch)).first()
        assert row is not None
        assert not dispatches.retry(session, row.id or 0)
        assert not dispatches.cancel(session, row.id or 0)
        row.status = DispatchStatus.STUCK
        session.flush()
        assert dispatches.cancel(session, row.id or 0)
        assert len(session.exec(select(Dispatch)).all()) == 4


def test_the_wait_grows_to_five_minutes(database: Database, dispatcher: Dispatcher, noon: datetime) -> None:
    waits: list[float] = []
    for _ in range(12):
        with database.writing() as session:
            row = session.exec(select(Dispatch).where(Dispatch.workflow_id == "w0")).one()
            dispatches.record_failure(session, row, "UNAVAILABLE", noon)
        with database.reading() as session:
            row = session.exec(select(Dispatch).where(Dispatch.workflow_id == "w0")).one()
            assert row.not_before is not None
            waits.append((row.not_before - noon) / timedelta(seconds=1))
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.5, 300)
