"""Whoever is due is waked ahead of their workflows, which are poked a while later, at a bounded rate."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError
from sqlmodel import delete, select
from structlog.testing import capture_logs
from temporalio.service import RPCError, RPCStatusCode

from journeys.machine.woken import Woken
from services.enrollments.waking import wake
from services.enrollments.waking.wake import Together
from store.queries.dispatching import dispatches, wakes_ahead
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment.enrollments import EnrollmentToWake
from store.session import Database
from store.tables.customers import Customer
from store.tables.enrollments import Dispatch, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock
from tests.refused import CANCELLED
from tests.shells import Shell
from tests.store.one_enrollment import Ingest, buys, joined, lead, mails, own, rows
from waypost.processes import following
from waypost.processes.following import AGAIN, WorkflowsBehind
from waypost.processes.wakes_ahead import WakesAhead
from workflows.gateway import Beginning

LAG = timedelta(minutes=5)

pytestmark = pytest.mark.usefixtures("welcome")


class Temporal:
    """Keeps which workflows were roused; once it is `over` none of them runs. `refuses` are raised one after another."""

    def __init__(self) -> None:
        self.roused: list[str] = []
        self.over = False
        self.refuses: list[Exception] = []

    async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
        if self.refuses:
            raise self.refuses.pop(0)
        self.roused.append(workflow_id)
        return not self.over


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


@pytest.fixture
def ahead(database: Database, clock: HandClock) -> WakesAhead:
    return WakesAhead(database, clock, lag=LAG)


@pytest.fixture
def behind(database: Database, temporal: Temporal, clock: HandClock) -> WorkflowsBehind:
    return WorkflowsBehind(database, temporal, clock, lag=LAG)  # type: ignore[arg-type]


def begin(database: Database, shells: Sequence[Shell], now: datetime) -> None:
    """Their workflows have started, or were poked: nothing of them is on its way."""
    lead(database, now, *shells, lag=LAG)
    with database.writing() as session:
        session.exec(delete(Dispatch))


async def test_a_deadline_is_met_ahead_and_the_workflow_looks_a_while_later(
    database: Database,
    shell: Shell,
    ahead: WakesAhead,
    behind: WorkflowsBehind,
    temporal: Temporal,
    clock: HandClock,
    noon: datetime,
) -> None:
    begin(database, [shell], noon)
    assert (await ahead.round(), ahead.rest()) == (0, 4.0)
    clock.forward(days=2)
    assert await ahead.round() == 1
    assert mails(database) == {"mail_a": ("planned", None), "mail_b": ("planned", None)}
    told = own(database)
    assert told.follow_at is not None
    assert LAG / 2 <= told.follow_at - clock() <= LAG
    assert (await behind.round(), temporal.roused) == (0, [])
    clock.forward(seconds=LAG.total_seconds())
    assert (await behind.round(), await behind.round()) == (1, 0)
    assert temporal.roused == [told.workflow_id], "once, though it has not come yet"
    clock.forward(seconds=AGAIN.total_seconds())
    await behind.round()
    assert len(temporal.roused) == 2, "it may be lost with the server that had it"
    shell.wake(clock())
    clock.forward(hours=1)
    await behind.round()
    assert (len(temporal.roused), own(database).follow_at) == (2, None)


async def test_workflows_give_way_to_a_batch_of_enrollments_that_are_to_be_waked(
    database: Database,
    take: Ingest,
    behind: WorkflowsBehind,
    ahead: WakesAhead,
    temporal: Temporal,
    clock: HandClock,
    noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(following, "BATCH", 2)
    begin(database, joined(database, take, "ann", "bob"), noon)
    with database.writing() as session:
        session.exec(select(Enrollment)).first().follow_at = noon  # type: ignore[union-attr]
    clock.forward(days=2)
    assert await behind.round() == 0
    await ahead.round()
    assert await behind.round() == 1


async def test_workflows_that_are_behind_at_about_the_same_time_are_poked_together(
    database: Database, take: Ingest, behind: WorkflowsBehind, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    begin(database, joined(database, take, "ann", "bob", "cy"), noon)
    with database.writing() as session:
        for one, seconds in zip(session.exec(select(Enrollment)).all(), (0, 14, 16), strict=True):
            one.follow_at = noon + timedelta(seconds=seconds)
            session.add(one)
    await behind.round()
    assert len(temporal.roused) == 2


@pytest.mark.parametrize(("event", "left"), [("Account Closed", False), ("Bought", True)])
async def test_nothing_is_followed_by_a_workflow_that_has_ended(
    database: Database,
    shell: Shell,
    take: Ingest,
    behind: WorkflowsBehind,
    temporal: Temporal,
    clock: HandClock,
    noon: datetime,
    event: str,
    left: bool,
) -> None:
    """As a database that is older than Temporal finds it; where the enrollment lives, the books tell of it."""
    begin(database, [shell], noon)
    take({"type": "track", "userId": "ann", "event": event})
    begin(database, [shell], noon)
    temporal.over = True
    clock.forward(minutes=6)
    await behind.round()
    assert (len(temporal.roused), own(database).follow_at is not None) == (1, left)


@pytest.mark.parametrize(
    ("refused", "roused"),
    [
        (RPCError("odd", RPCStatusCode.INVALID_ARGUMENT, b""), 2),
        (TypeError("a state that nobody can write"), 2),
        (RPCError("away", RPCStatusCode.UNAVAILABLE, b""), 0),
    ],
    ids=["one that is refused", "one that cannot be written", "a server that is away"],
)
async def test_one_that_cannot_be_poked_keeps_nobody_else_from_it(
    database: Database,
    take: Ingest,
    ahead: WakesAhead,
    behind: WorkflowsBehind,
    temporal: Temporal,
    clock: HandClock,
    noon: datetime,
    refused: Exception,
    roused: int,
) -> None:
    """Where the server is away it is not asked for each of them."""
    begin(database, joined(database, take, "ann", "bob", "cy"), noon)
    clock.forward(days=2)
    await ahead.round()
    temporal.refuses = [refused]
    clock.forward(seconds=LAG.total_seconds())
    with capture_logs() as logs:
        await behind.round()
    assert (len(temporal.roused), [one["event"] for one in logs]) == (roused, ["not_followed"])


@pytest.mark.parametrize("fault", ["answers that it is busy", "hangs"])
async def test_one_with_which_temporal_is_busy_again_and_again_does_not_keep_those_behind_it(
    database: Database,
    take: Ingest,
    clock: HandClock,
    noon: datetime,
    fault: str,
) -> None:
    """All were behind since the same moment, and are tried in the same order each time."""
    begin(database, joined(database, take, "ann", "bob", "cy"), noon)
    with database.writing() as session:
        for one in session.exec(select(Enrollment)).all():
            one.follow_at = noon
    first = min(rows(database, Enrollment), key=lambda one: one.id)

    class Busy(Temporal):
        async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
            if workflow_id != first.workflow_id:
                return await super().rouse(workflow_id, stands)
            if fault == "hangs":
                await asyncio.Event().wait()
            raise RPCError("workflow is busy", RPCStatusCode.RESOURCE_EXHAUSTED, b"")

    temporal = Busy()
    behind = WorkflowsBehind(database, temporal, clock, lag=LAG, patience=2.0)  # type: ignore[arg-type]
    with capture_logs():
        await behind.round()
        await behind.round()
    others = {one.workflow_id for one in rows(database, Enrollment)} - {first.workflow_id}
    assert sorted(temporal.roused) == sorted(others)
    assert {one.follow_at for one in rows(database, Enrollment)} == {noon + AGAIN}, "each was tried once"


async def test_a_workflow_is_not_poked_before_it_is_started(
    database: Database, shell: Shell, behind: WorkflowsBehind, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    lead(database, noon, shell)
    with database.writing() as session:
        session.exec(select(Enrollment)).one().follow_at = noon
    clock.forward(minutes=1)
    await behind.round()
    looks_again = own(database).follow_at
    assert temporal.roused == []
    assert looks_again is not None
    assert looks_again > clock(), "else all whose starts are on their way would be looked at again and again"


async def test_one_whose_wake_fails_fails_alone_and_is_left_to_its_workflow(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime
) -> None:
    shells = joined(database, take, "ann", "bob", "cy")
    begin(database, shells, noon)
    with database.writing() as session:
        broken = session.get(Enrollment, shells[1].enrollment)
        assert broken is not None
        broken.digest = "of no definition"
        session.add(broken)
    clock.forward(days=2)
    with capture_logs() as logs:
        assert await ahead.round() == 3
    assert [one["enrollment"] for one in logs if one["event"] == "wake_ahead_failed"] == [shells[1].enrollment]
    (left,) = rows(database, Dispatch)
    assert (left.workflow_id, left.kind, left.status) == (broken.workflow_id, "poke", "ready"), "its workflow does it"
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a"] * 3 + ["mail_b"] * 2
    assert await ahead.round() == 0, "nobody tries again before its workflow has"


def refuses_one_of(shells: Sequence[Shell], monkeypatch: pytest.MonkeyPatch, error: Exception) -> str:
    """Whoever wakes the second of them ends in this error; return its id."""
    works, broken = wake._work_off, shells[1].enrollment

    def work_off(together: Together, waking: EnrollmentToWake, now: datetime, *, lost: bool = False) -> Woken:
        if waking.enrollment.id == broken:
            raise error
        return works(together, waking, now, lost=lost)

    monkeypatch.setattr(wake, "_work_off", work_off)
    return broken


async def test_one_whose_wake_always_ends_in_an_error_of_the_databases_is_tried_ever_more_slowly_and_set_aside(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shells = joined(database, take, "ann", "bob", "cy")
    begin(database, shells, noon)
    broken = refuses_one_of(shells, monkeypatch, CANCELLED)
    clock.forward(days=2)
    begun, tried = clock(), list[float]()
    with capture_logs() as logs:
        for _ in range(4 * 240):  # as often as it would be looked at
            before = len(logs)
            await ahead.round()
            if len(logs) > before:
                tried.append((clock() - begun) / timedelta(seconds=1))
            clock.forward(seconds=0.25)
    assert tried == [0, 1, 4, 14, 44, 104], "each pause is longer than the one before"
    assert {one["enrollment"] for one in logs} == {broken}
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a"] * 3 + ["mail_b"] * 2
    assert [(one.enrollment_id, one.kind, one.status) for one in rows(database, Dispatch)] == [
        (broken, "poke", "ready")
    ], "its workflow tries from now on, and says that it is stuck"


async def test_one_that_was_put_off_acts_as_soon_as_it_can(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shells = joined(database, take, "ann", "bob")
    begin(database, shells, noon)
    with monkeypatch.context() as patched:
        refuses_one_of(shells, patched, CANCELLED)
        clock.forward(days=2)
        await ahead.round()
    assert await ahead.round() == 0
    clock.forward(seconds=1)
    assert (await ahead.round(), rows(database, Dispatch)) == (1, [])
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a"] * 2 + ["mail_b"] * 2


async def test_where_nothing_can_be_written_the_round_ends_and_nobody_is_left_to_a_workflow(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    begin(database, joined(database, take, "ann", "bob"), noon)
    clock.forward(days=2)

    def away(work: object) -> None:
        raise CANCELLED

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", away)
        with pytest.raises(OperationalError), capture_logs():
            await ahead.round()
    assert (await ahead.round(), rows(database, Dispatch)) == (2, [])


async def test_one_that_cannot_even_be_put_off_keeps_nobody_else_from_acting(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    shells = joined(database, take, "ann", "bob", "cy")
    begin(database, shells, noon)
    refuses_one_of(shells, monkeypatch, KeyError("guard"))
    monkeypatch.setattr(wakes_ahead, "not_due", lambda *_: 1 // 0)
    clock.forward(days=2)
    with capture_logs():
        await ahead.round()
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a"] * 3 + ["mail_b"] * 2


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)  # the other has one writer, who holds everybody
async def test_customers_whom_another_holds_are_passed_over(
    database: Database, take: Ingest, ahead: WakesAhead, clock: HandClock, noon: datetime
) -> None:
    shells = joined(database, take, "ann", "bob")
    begin(database, shells, noon)
    clock.forward(days=2)
    with database.writing() as session:
        session.exec(select(Customer).where(Customer.external_id == "ann").with_for_update()).one()
        assert await ahead.round() == 1
    assert await ahead.round() == 1
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a", "mail_a", "mail_b", "mail_b"]


async def test_two_dispatchers_that_look_at_the_same_moment_do_it_once(
    database: Database, take: Ingest, clock: HandClock, noon: datetime
) -> None:
    """And one that was frozen between its look and its wake finds that all is done."""
    begin(database, joined(database, take, *(f"u{number}" for number in range(30))), noon)
    clock.forward(days=2)
    one, other, frozen = (WakesAhead(database, clock, lag=LAG) for _ in range(3))
    due = frozen._due()
    await asyncio.gather(one.round(), other.round())
    await asyncio.gather(one.round(), other.round())  # those whom the other one held
    database.write(lambda session: frozen._meet(session, due))
    assert (len(due), Counter(one.template for one in rows(database, Message))) == (30, {"mail_a": 30, "mail_b": 30})
    assert {run.wakes for run in rows(database, Enrollment)} == {2}


async def test_a_poke_is_gone_with_the_wake_that_it_led_to(
    database: Database, take: Ingest, ahead: WakesAhead, noon: datetime
) -> None:
    """In its transaction: nothing else stands between what happened and where the enrollment stands."""
    begin(database, joined(database, take, "ann", "bob"), noon)
    buys(take, noon)
    with database.writing() as session:
        (row,) = session.exec(select(Dispatch)).all()
    frozen = dispatches.RowToWake(id=row.id or 0, enrollment_id=row.enrollment_id, kind=row.kind, trace=None)
    assert await ahead.wake((Priority.SIGNAL,)) == 1
    assert (sorted(one.stage for one in rows(database, Enrollment)), rows(database, Dispatch)) == (["buyer", "new"], [])
    assert database.write(lambda session: ahead._wake(session, [frozen])) == 0, "another dispatcher had seen it too"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
async def test_a_poke_of_somebody_whom_another_holds_is_left_until_they_are_free(
    database: Database, take: Ingest, ahead: WakesAhead, noon: datetime
) -> None:
    begin(database, joined(database, take, "ann", "bob"), noon)
    buys(take, noon)
    with database.writing() as session:
        session.exec(select(Customer).where(Customer.external_id == "ann").with_for_update()).one()
        assert (await ahead.wake((Priority.SIGNAL,)), ahead.rest_of((Priority.SIGNAL,))) == (0, 0.25)
        assert [one.status for one in rows(database, Dispatch)] == ["to_wake"]
    assert (await ahead.wake((Priority.SIGNAL,)), rows(database, Dispatch)) == (1, [])
