"""A Temporal that takes calls and answers none delays what Temporal shows, and no customer."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import col, delete, select
from structlog.testing import capture_logs
from temporalio.common import MetricMeter

from services.reports.health import readiness
from store import bulk
from store.notices import Notices
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.session import Database
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.store.one_enrollment import TWO_DAYS, Ingest, joined, lead, rows
from waypost.processes import dispatcher
from waypost.processes.dispatcher import POKES, Dispatcher
from waypost.processes.following import WorkflowsBehind
from workflows.cluster import Cluster
from workflows.gateway import Gateway, TemporalUnavailable, connect

LAG = timedelta(minutes=5)
PATIENT = 120
"""Seconds until a test gives up: a busy machine is slow."""

pytestmark = pytest.mark.usefixtures("welcome")


class Hanging:
    """Temporal; keeps what was called, and never answers."""

    def __init__(self) -> None:
        self.called: list[str] = []

    def __getattr__(self, name: str) -> Any:
        async def call(*_: Any, **__: Any) -> None:
            self.called.append(name)
            await asyncio.Event().wait()

        return call


@pytest.fixture
def temporal() -> Hanging:
    return Hanging()


@asynccontextmanager
async def running(database: Database, temporal: Hanging, clock: HandClock) -> AsyncIterator[None]:
    notices = Notices(database)
    made = Dispatcher(database, temporal, clock, notices=notices, lag=LAG)  # type: ignore[arg-type]
    tasks = [asyncio.create_task(notices.run()), asyncio.create_task(made.run())]
    try:
        yield
    finally:
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def until(so: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENT):
        while not so():  # noqa: ASYNC110  (of a database)
            await asyncio.sleep(0.02)


def mails_of(database: Database, template: str) -> int:
    with database.reading() as session:
        return len(session.exec(select(Message).where(Message.template == template)).all())


@pytest.mark.parametrize("call", ["start", "end", "rouse"])
async def test_it_delays_neither_deadlines_nor_events_nor_who_enters(
    database: Database, take: Ingest, temporal: Hanging, clock: HandClock, noon: datetime, call: str
) -> None:
    """Whichever call hangs: of a row that is carried, or for a workflow that is behind."""
    lead(database, noon, *joined(database, take, "ann", "bob", "cy"), lag=LAG)
    with database.writing() as session:
        session.exec(delete(Dispatch))
        last = session.exec(select(Enrollment).order_by(col(Enrollment.id).desc()).limit(1)).one()
        if call == "rouse":
            last.follow_at = noon
        else:
            start: dict[str, Any] = {"digest": last.digest, "state": last.state}
            row = dispatches.row(last.id, last.workflow_id, call, start, Priority.SIGNAL, noon)
            bulk.add(session, Dispatch, [row])
    async with running(database, temporal, clock):
        await until(lambda: temporal.called == [call])
        clock.forward(seconds=TWO_DAYS.total_seconds())
        take({"type": "track", "userId": "dee", "event": "Signed Up"}, at=clock())
        await until(lambda: (mails_of(database, "mail_a"), mails_of(database, "mail_b")) == (4, 3))
        take({"type": "track", "userId": "ann", "event": "Bought"}, at=clock())
        await until(lambda: "buyer" in {one.stage for one in rows(database, Enrollment)})


async def test_a_row_that_is_not_answered_goes_again_later_and_its_part_is_seen_to_work(
    database: Database, temporal: Hanging, clock: HandClock, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anybody else may lease it: so each goes once at a time."""
    assert min(readiness.SILENT, dispatcher.HOLD).total_seconds() > dispatcher.WITHIN
    monkeypatch.setattr(dispatcher, "WITHIN", 0.05)
    with database.writing() as session:
        ends = [dispatches.row(f"e{one}", f"w{one}", "end", {}, Priority.SIGNAL, noon) for one in range(70)]
        bulk.add(session, Dispatch, ends)
    carrying = Dispatcher(database, temporal, clock)  # type: ignore[arg-type]
    assert await carrying.carry(POKES) == 70
    assert {(one.attempts, one.error, one.status) for one in rows(database, Dispatch)} == {(1, "TimeoutError", "ready")}
    assert len(temporal.called) == POKES.at_once


async def test_a_round_of_pokes_for_those_that_are_behind_ends_all_the_same(
    database: Database, take: Ingest, temporal: Hanging, clock: HandClock, noon: datetime
) -> None:
    """So the part is seen to work, and tries again."""
    lead(database, noon, *joined(database, take, "ann", "bob"), lag=LAG)
    with database.writing() as session:
        session.exec(delete(Dispatch))
        for one in session.exec(select(Enrollment)).all():
            one.follow_at = noon
    behind = WorkflowsBehind(database, temporal, clock, lag=LAG, patience=0.05)  # type: ignore[arg-type]
    with capture_logs() as logs:
        assert await behind.round() == 2
    assert (temporal.called, [one["event"] for one in logs]) == (["rouse"], ["not_followed"])


async def test_whoever_asks_what_is_wrong_hears_that_nothing_is_answered(temporal: Hanging) -> None:
    """`waypost up` and `waypost doctor` stood still before: neither said why."""
    client: Any = SimpleNamespace(namespace="default", workflow_service=temporal)
    with pytest.raises(TemporalUnavailable, match=r"answers nothing within 0\.05 seconds"):
        await Gateway(client, MetricMeter.noop).examine(timedelta(seconds=0.05))
    assert temporal.called == ["describe_namespace"]


async def test_a_port_that_takes_connections_and_speaks_to_nobody_is_told() -> None:
    done = asyncio.Event()

    async def keeps_silent(*_: Any) -> None:
        await done.wait()

    async def no_program(_: Any) -> Any:
        raise AssertionError("nothing is resolved")

    silent = await asyncio.start_server(keeps_silent, "127.0.0.1", 0)
    address = "{}:{}".format(*silent.sockets[0].getsockname())
    with pytest.raises(TemporalUnavailable, match=f"answers nothing within .* seconds at {address}"):
        await connect(Cluster(address=address), no_program, within=timedelta(seconds=0.3))
    done.set()
    silent.close()
