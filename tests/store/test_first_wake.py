"""The first wake of an enrollment is done before its workflow starts, which then rests until something is due."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select
from structlog.testing import capture_logs

from journeys.machine.woken import STATE, Bookmark, restored
from services.enrollments.controls import asking
from services.enrollments.waking.working_off import INPUTS
from services.errors import NotFound
from services.ingestion.ingest import IngestResult
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.session import Database
from store.tables.enrollments import Decision, Dispatch, Enrollment
from store.tables.messages import Message
from store.trace_context import CURRENT
from tests.shells import Shell
from waypost.processes.dispatcher import BULK, POKES, REST, STARTS, Dispatcher
from workflows.gateway import Beginning

Ingest = Callable[..., IngestResult]

pytestmark = pytest.mark.usefixtures("welcome")

TWO_DAYS = timedelta(days=2)


class Temporal:
    """Takes starts and pokes; `away` refuses the next one."""

    def __init__(self) -> None:
        self.away = False
        self.started: list[tuple[Beginning, timedelta | None]] = []
        self.roused: list[Beginning] = []

    async def start(self, workflow_id: str, begins: Beginning, priority: int, rests: timedelta | None = None) -> None:
        self.started.append((begins, rests))
        if self.away:
            self.away = False
            raise OSError("away")

    async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
        self.roused.append(stands)
        return True


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


@pytest.fixture
def carrying(database: Database, take: Ingest, temporal: Temporal, clock: Any) -> Dispatcher:
    """Ann has signed up, and her start waits."""
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "first_name": "Ann"}})
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    return Dispatcher(database, temporal, clock)  # type: ignore[arg-type]


def enrollment(database: Database) -> Enrollment:
    with database.reading() as session:
        return session.exec(select(Enrollment)).one()


def decided(database: Database) -> list[str]:
    with database.reading() as session:
        return [one.what for one in session.exec(select(Decision).order_by(col(Decision.number))).all()]


def bookmark(begins: Beginning) -> Bookmark:
    return Bookmark(state=STATE.validate_python(begins.state), wakes=begins.wakes)


async def test_a_workflow_starts_behind_its_first_wake_and_rests_until_its_deadline(
    database: Database, carrying: Dispatcher, temporal: Temporal, noon: datetime
) -> None:
    fresh = Shell(database, enrollment(database))
    assert (await carrying.ahead.wake(STARTS.priorities), await carrying.carry(STARTS)) == (1, 1)
    ((begins, rests),) = temporal.started
    assert rests == TWO_DAYS
    assert (bookmark(begins).state.phase, bookmark(begins).rests()) == ("new", False), "it asks for all that was done"
    assert enrollment(database).follow_at is None, "it asks when it has rested"
    fresh.wake(noon)
    assert (fresh.state, fresh.wakes) == (restored(enrollment(database).state), 1)
    assert decided(database) == ["entered", "planned"]


async def test_the_first_wake_stands_in_the_trace_of_what_caused_it(
    database: Database, carrying: Dispatcher, temporal: Temporal, clock: Any
) -> None:
    spans: list[tuple[str, str]] = []

    @contextmanager
    def span(name: str, parent: str) -> Iterator[None]:
        spans.append((name, parent))
        token = CURRENT.set(f"below {name}")
        yield
        CURRENT.reset(token)

    with database.writing() as session:
        session.exec(select(Dispatch)).one().trace = "the request"
    await Dispatcher(database, temporal, clock, span).round(STARTS)  # type: ignore[arg-type]
    assert spans == [("wake", "the request"), ("dispatch start", "the request")]
    with database.reading() as session:
        assert session.exec(select(Message.trace)).all() == ["below wake"]


async def test_a_start_that_is_repeated_wakes_nobody_again(
    database: Database, carrying: Dispatcher, temporal: Temporal, clock: Any
) -> None:
    temporal.away = True
    await carrying.round(STARTS)
    clock.forward(minutes=1)
    await carrying.round(STARTS)
    (first, _), (again, rests) = temporal.started
    assert (first, rests) == (again, TWO_DAYS - timedelta(minutes=1))
    assert decided(database) == ["entered", "planned"]


async def test_where_the_first_wake_fails_the_workflow_starts_without_it(
    database: Database, carrying: Dispatcher, temporal: Temporal
) -> None:
    with database.writing() as session:
        session.exec(select(Enrollment)).one().digest = "of no definition"
    with capture_logs() as logs:
        await carrying.round(STARTS)
    assert [type(one["exc_info"]) for one in logs if one["event"] == "wake_ahead_failed"] == [NotFound]
    ((begins, rests),) = temporal.started
    assert (rests, bookmark(begins).rests()) == (None, False)
    assert decided(database) == []


async def test_a_start_whose_enrollment_has_waked_since_wakes_nobody(
    database: Database, carrying: Dispatcher, temporal: Temporal, noon: datetime
) -> None:
    shell = Shell(database, enrollment(database))
    shell.wake(noon)
    shell.wake(noon + TWO_DAYS)
    await carrying.round(STARTS)
    assert ([rests for _, rests in temporal.started], enrollment(database).wakes) == ([REST], 2)


async def test_a_start_whose_enrollment_has_ended_since_does_not_rest(
    database: Database, carrying: Dispatcher, temporal: Temporal, take: Ingest
) -> None:
    take({"type": "track", "userId": "ann", "event": "Account Closed"})
    await carrying.round(STARTS)
    assert ([rests for _, rests in temporal.started], enrollment(database).status) == ([None], "ended")


WAITING = """journey: waiting
enter: [{on: Begun}]
start: a
stages:
  a: {steps: [{wait: 30 days}], transitions: [{on: E, to: b}]}
  b: {steps: [{wait: 30 days}], transitions: [{on: E, to: a}]}
"""


@pytest.mark.parametrize("events", [INPUTS - 1, 120])
async def test_a_start_behind_more_than_one_wake_does_rests_no_longer_than_its_workflow_has_nothing_to_do(
    database: Database,
    take: Ingest,
    temporal: Temporal,
    publish: Callable[[str, str], None],
    clock: Any,
    noon: datetime,
    events: int,
) -> None:
    """Who came while no dispatcher ran had much happen since, of which nobody was told: it waited for nothing yet.

    One wake more may not be kept for the workflow, so nobody else goes on, or meets the next deadline in time.
    """
    publish("waiting", WAITING)
    take({"type": "track", "userId": "bob", "event": "Begun"})
    take(*({"type": "track", "userId": "bob", "event": "E"} for _ in range(events)))
    carrying = Dispatcher(database, temporal, clock, lag=timedelta(minutes=5))  # type: ignore[arg-type]
    fresh = Shell(database, enrollment(database))
    await carrying.round(STARTS)
    assert [rests for _, rests in temporal.started] == [timedelta()]
    fresh.wake(noon)
    assert fresh.state.visit == events + 1


async def test_a_start_whose_customer_was_erased_since_starts_nothing(
    database: Database, carrying: Dispatcher, temporal: Temporal
) -> None:
    with database.writing() as session:
        session.delete(session.exec(select(Enrollment)).one())
    await carrying.drain()
    with database.reading() as session:
        assert (temporal.started, session.exec(select(Dispatch)).all()) == ([], [])


async def test_who_is_poked_is_waked_here_and_their_workflow_follows(
    database: Database, carrying: Dispatcher, temporal: Temporal, take: Ingest, noon: datetime
) -> None:
    """It rests since its start, which a poke by itself would not end, so it is roused."""
    await carrying.round(STARTS)
    take({"type": "track", "userId": "ann", "event": "Bought"})
    await carrying.round(POKES)
    assert (enrollment(database).stage, temporal.roused) == ("buyer", [])
    await carrying.drain()
    kept = enrollment(database)
    assert temporal.roused == [Beginning(digest=kept.digest, state=kept.state, wakes=2)]


async def test_a_poke_at_which_nothing_is_due_wakes_no_workflow(
    database: Database, carrying: Dispatcher, temporal: Temporal, noon: datetime
) -> None:
    await carrying.round(STARTS)
    poke(database, noon)
    await carrying.drain()
    assert (temporal.roused, enrollment(database).poked_at) == ([], None)


@pytest.mark.parametrize(("bought", "rests"), [(False, TWO_DAYS), (True, REST)])
async def test_one_that_an_import_placed_rests_without_a_wake(
    database: Database, carrying: Dispatcher, temporal: Temporal, take: Ingest, noon: datetime, bought: bool, rests: Any
) -> None:
    shell = Shell(database, enrollment(database))
    shell.wake(noon)
    if bought:
        take({"type": "track", "userId": "ann", "event": "Bought"})
        shell.wake(noon)
    with database.writing() as session:
        placed = session.exec(select(Enrollment)).one()
        placed.wakes, placed.last_wakes = 0, []
        start = {"digest": placed.digest, "state": placed.state}
        dispatches.remove_arrived(session, [one.id or 0 for one in session.exec(select(Dispatch)).all()])
        row = dispatches.row(placed.id, placed.workflow_id, "start", start, Priority.BULK_START, noon)
        dispatches.add(session, [row])
    await carrying.round(BULK)
    assert [(bookmark(begins).rests(), until) for begins, until in temporal.started] == [(True, rests)]
    assert enrollment(database).wakes == 0


def poke(database: Database, now: datetime) -> None:
    with database.writing() as session:
        asking.poke(session, [session.exec(select(Enrollment)).one()], now)
