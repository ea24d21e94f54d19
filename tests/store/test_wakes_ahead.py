"""Enrollments are waked ahead of their workflows, which follow later: what is kept for them, and how far it may go."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from journeys.changes.outcomes import Choices
from journeys.machine.woken import restored
from services.changes import moving
from services.changes.moving import TargetVersion
from services.definitions import journeys
from services.enrollments import asking, wake
from services.enrollments.wake import Led
from services.errors import NotFound
from services.jobs import erasure
from store.queries import dispatches
from store.queries.dispatches import Priority
from store.session import Database
from store.tables.access import Operation
from store.tables.customers import Customer
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Message
from tests.conftest import HandClock, Statements
from tests.shells import Shell
from tests.store.conftest import WELCOME
from tests.store.one_enrollment import TWO_DAYS, Ingest, ask, buys, mails, pause, rows, story
from waypost.processes.wakes_ahead import FOLLOW_AGAIN, WakesAhead
from workflows.gateway import Beginning

LAG = timedelta(minutes=5)

pytestmark = pytest.mark.usefixtures("welcome")


class Temporal:
    """Keeps which workflows were roused; once it is `over` none of them runs."""

    def __init__(self) -> None:
        self.roused: list[str] = []
        self.over = False

    async def rouse(self, workflow_id: str, stands: Beginning) -> bool:
        self.roused.append(workflow_id)
        return not self.over


def lead(database: Database, now: datetime, *shells: Shell, lag: timedelta = timedelta()) -> Led:
    return database.write(lambda session: wake.lead(session, [one.enrollment for one in shells], now, lag))


def own(database: Database) -> Enrollment:
    (found,) = rows(database, Enrollment)
    return found


def joined(database: Database, take: Ingest, *users: str) -> list[Shell]:
    take(*({"type": "identify", "userId": one, "traits": {"email": f"{one}@example.com"}} for one in users))
    take(*({"type": "track", "userId": one, "event": "Signed Up"} for one in users))
    return [Shell(database, one) for one in rows(database, Enrollment)]


def test_a_workflow_follows_several_wakes_as_one(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    buys(take, noon + TWO_DAYS)
    assert lead(database, noon + TWO_DAYS, shell) == Led(done=[shell.enrollment], full=[])
    assert (shell.state.stage, own(database).stage, own(database).wakes) == ("new", "buyer", 3)
    told = shell.lose(noon + TWO_DAYS)
    assert (told.number, [one.kind for one in told.inputs], told.more) == (3, ["woke", "event"], False)
    assert shell.lose(noon + TWO_DAYS * 2) == told, "a repeat is told the same"
    shell.wake(noon + TWO_DAYS * 2)
    assert (shell.state, shell.wakes) == (restored(own(database).state), 3)
    assert [what for _, what in story(database)] == ["entered", "planned", "planned", "moved", "planned"]
    assert (own(database).follow_at, len(own(database).last_wakes)) == (None, 2)


def test_a_worker_that_dies_behind_two_wakes_of_one_task_is_told_both_again(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """Neither of them is in its history."""
    shell.wake(noon)
    before, wakes = shell.state, shell.wakes
    lead(database, noon + TWO_DAYS, shell)
    shell.wake(noon + TWO_DAYS)
    buys(take, noon + TWO_DAYS)
    shell.wake(noon + TWO_DAYS)
    died, shell.state, shell.wakes = shell.state, before, wakes
    shell.wake(noon + TWO_DAYS)
    assert (shell.state, shell.wakes) == (died, 3)
    assert "put_right" not in {one.what for one in rows(database, Decision)}


def test_what_was_told_and_not_followed_is_told_again_with_what_came_since(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The worker died behind the answer, and somebody was ahead of it again before another asked."""
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    shell.lose(noon + TWO_DAYS)
    buys(take, noon + TWO_DAYS)
    lead(database, noon + TWO_DAYS, shell)
    shell.wake(noon + TWO_DAYS)
    assert (shell.state.stage, shell.wakes) == ("buyer", 3)
    take({"type": "track", "userId": "ann", "event": "Account Closed"}, at=noon + TWO_DAYS)
    lead(database, noon + TWO_DAYS, shell)
    assert len(own(database).last_wakes) == 3, "as far as anybody knows it has followed none of them"
    shell.wake(noon + TWO_DAYS)
    assert (shell.state.ended, shell.wakes, len(own(database).last_wakes)) == (True, 4, 1)


TURNING = (
    "journey: turning\nenter: [{on: Begun}]\nstart: a\nstages:\n"
    "  a: {transitions: [{on: E, to: b}]}\n  b: {transitions: [{on: E, to: a}]}"
)


def test_nobody_is_further_ahead_than_a_workflow_follows_at_once(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    publish("turning", TURNING)
    take({"type": "track", "userId": "bob", "event": "Begun"})
    shell = Shell(database, own(database))
    shell.wake(noon)
    for _ in range(wake.AHEAD - 1):
        take({"type": "track", "userId": "bob", "event": "E"})
        assert lead(database, noon, shell).done == [shell.enrollment]
    take({"type": "track", "userId": "bob", "event": "E"})
    assert lead(database, noon, shell) == Led(done=[], full=[shell.enrollment])
    assert own(database).wakes == wake.AHEAD
    shell.wake(noon)
    assert (shell.wakes, shell.state.visit, own(database).poked_at) == (wake.AHEAD + 1, wake.AHEAD + 1, None)
    take({"type": "track", "userId": "bob", "event": "E"})
    assert lead(database, noon, shell).done == [shell.enrollment], "there is room again"


def test_a_long_backlog_is_led_to_its_bound_and_left_to_the_workflow(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    publish("turning", TURNING)
    take({"type": "track", "userId": "bob", "event": "Begun"})
    shell = Shell(database, own(database))
    take(*({"type": "track", "userId": "bob", "event": "E"} for _ in range(120)))
    assert lead(database, noon, shell).full == [shell.enrollment]
    assert len(own(database).last_wakes) == 1
    shell.wake(noon)
    assert (shell.state.visit, shell.wakes) == (121, 3)


def test_a_workflow_that_went_astray_gets_the_state_that_was_reached_ahead_of_it(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    buys(take, noon)
    lead(database, noon, shell)
    brought = shell.lose(noon, astray=True)
    assert (brought.number, brought.state, brought.inputs) == (3, restored(own(database).state), ())
    assert shell.lose(noon, astray=True) == brought
    assert [one.detail for one in rows(database, Decision) if one.what == "put_right"] == [{"wake": 2, "wakes": 2}]
    shell.wake(noon)
    assert (shell.state.stage, shell.wakes) == ("buyer", 3)


def test_who_is_moved_to_another_version_and_waked_ahead_takes_the_state_over(
    database: Database, shell: Shell, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    shell.wake(noon)
    publish("welcome", WELCOME.replace("mail_c", "mail_b"))
    with database.writing() as session:
        version, program = journeys.live(session, "welcome")
        target = TargetVersion(number=version.number, program=program, choices=Choices(spread=timedelta()))
        moving.move(session, target, {shell.enrollment: own(database).customer_id}, noon)
    lead(database, noon, shell)
    buys(take, noon)
    lead(database, noon, shell)
    shell.wake(noon)
    assert (shell.state.stage, shell.wakes, shell.program.digest) == ("buyer", 3, own(database).digest)


def test_controls_and_pauses_are_met_ahead_too(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    ask(database, "pause", noon)
    lead(database, noon, shell)
    ask(database, "resume", noon)
    ask(database, "exit", noon)
    lead(database, noon, shell)
    shell.wake(noon)
    assert (shell.state.ended, own(database).status, own(database).due_at) == (True, "ended", None)


def test_a_restored_copy_that_is_led_puts_the_workflow_right_that_knows_more(
    database: Database, shell: Shell, noon: datetime
) -> None:
    """It has followed wakes that the copy knows nothing of; the copy is who tells what is."""
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    shell.wakes = 7
    shell.wake(noon + TWO_DAYS)
    assert (shell.state, shell.wakes) == (restored(own(database).state), 3)
    assert [one.detail for one in rows(database, Decision) if one.what == "put_right"] == [{"wake": 8, "wakes": 2}]


def test_who_was_erased_in_between_is_passed_over(
    database: Database, shell: Shell, clock: HandClock, noon: datetime
) -> None:
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    erase = Operation(id="op", kind="erase", request={"customer": own(database).customer_id}, created_at=noon)
    for page in erasure.pages(database, erase, clock):
        database.write(page)
    assert lead(database, noon + TWO_DAYS, shell) == Led(done=[], full=[])
    with pytest.raises(NotFound):
        shell.wake(noon + TWO_DAYS)


def test_who_is_merged_in_between_is_followed_as_whose_they_are_now(
    database: Database, take: Ingest, noon: datetime
) -> None:
    take({"type": "track", "anonymousId": "a1", "event": "Signed Up"})
    shell = Shell(database, own(database))
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com"}}, at=noon + TWO_DAYS)
    take({"type": "identify", "anonymousId": "a1", "userId": "ann"}, at=noon + TWO_DAYS)
    buys(take, noon + TWO_DAYS)
    lead(database, noon + TWO_DAYS, shell)
    shell.wake(noon + TWO_DAYS)
    assert (shell.state, shell.state.stage) == (restored(own(database).state), "buyer")


@pytest.mark.parametrize("whose", ["the enrollment's", "the journey's"])
def test_who_is_paused_when_their_deadline_comes_acts_when_that_is_over(
    database: Database, shell: Shell, noon: datetime, whose: str
) -> None:
    def stop(paused: bool, now: datetime) -> None:
        if whose == "the journey's":
            pause(database, paused, now)
        else:
            ask(database, "pause" if paused else "resume", now)

    shell.wake(noon)
    stop(True, noon)
    lead(database, noon + TWO_DAYS, shell)
    assert (own(database).paused, own(database).due_at, mails(database)) == (True, None, {"mail_a": ("planned", None)})
    stop(False, noon + TWO_DAYS)
    lead(database, noon + TWO_DAYS, shell)
    shell.wake(noon + TWO_DAYS)
    assert (shell.state.paused, mails(database)["mail_b"]) == (False, ("planned", None))


def test_a_poke_at_which_nothing_is_due_keeps_nothing(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    before = own(database)
    with database.writing() as session:
        asking.poke(session, [before], noon)
    assert lead(database, noon, shell).done == [shell.enrollment]
    assert own(database) == before


def test_a_workflow_that_starts_late_asks_for_every_wake_that_came_before_it(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    lead(database, noon, shell)
    buys(take, noon)
    lead(database, noon, shell)
    told = shell.lose(noon)
    assert (told.number, len(told.inputs)) == (2, 2)


@pytest.mark.parametrize("count", [4, 40])
def test_those_who_are_waked_together_are_looked_up_together(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    """For each: its mail by its id, its row of the ledger, its decisions, what it waits for, where it stands."""
    shells = joined(database, take, *(f"u{number}" for number in range(count)))
    with statements(database, at_most=18 + 5 * count):
        lead(database, noon, *shells)
    assert len(rows(database, Message)) == count


# -- as the dispatcher does it -----------------------------------------------------------------------------------------


@pytest.fixture
def temporal() -> Temporal:
    return Temporal()


@pytest.fixture
def ahead(database: Database, temporal: Temporal, clock: HandClock) -> WakesAhead:
    return WakesAhead(database, temporal, clock, lag=LAG)  # type: ignore[arg-type]


def begin(database: Database, shells: Sequence[Shell], now: datetime) -> None:
    """Their workflows have started, or were poked: nothing of them is on its way."""
    lead(database, now, *shells, lag=LAG)
    with database.writing() as session:
        ready = dispatches.lease(session, now, 100, LAG, [*Priority])
        dispatches.remove_arrived(session, [one.id or 0 for one in ready])


async def test_a_deadline_is_met_ahead_and_the_workflow_looks_a_while_later(
    database: Database, shell: Shell, ahead: WakesAhead, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    begin(database, [shell], noon)
    assert (await ahead.round(), ahead.rest()) == (0, 4.0)
    clock.forward(days=2)
    assert await ahead.round() == 1
    assert mails(database) == {"mail_a": ("planned", None), "mail_b": ("planned", None)}
    told = own(database)
    assert told.follow_at is not None
    assert LAG / 2 <= told.follow_at - clock() <= LAG
    assert (await ahead.round(), temporal.roused) == (0, [])
    clock.forward(seconds=LAG.total_seconds())
    await ahead.round()
    await ahead.round()
    assert temporal.roused == [told.workflow_id], "once, though it has not come yet"
    ahead._followed -= 1  # half a second has passed
    clock.forward(seconds=FOLLOW_AGAIN.total_seconds())
    await ahead.round()
    assert len(temporal.roused) == 2, "it may be lost with the server that had it"
    shell.wake(clock())
    clock.forward(hours=1)
    ahead._followed -= 1
    await ahead.round()
    assert (len(temporal.roused), own(database).follow_at) == (2, None)


async def test_workflows_that_are_behind_at_about_the_same_time_are_poked_together(
    database: Database, take: Ingest, ahead: WakesAhead, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    begin(database, joined(database, take, "ann", "bob", "cy"), noon)
    with database.writing() as session:
        for one, seconds in zip(session.exec(select(Enrollment)).all(), (0, 14, 16), strict=True):
            one.follow_at = noon + timedelta(seconds=seconds)
            session.add(one)
    await ahead.round()
    assert len(temporal.roused) == 2


@pytest.mark.parametrize(("event", "left"), [("Account Closed", False), ("Bought", True)])
async def test_nothing_is_followed_by_a_workflow_that_has_ended(
    database: Database,
    shell: Shell,
    take: Ingest,
    ahead: WakesAhead,
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
    await ahead.round()
    assert (len(temporal.roused), own(database).follow_at is not None) == (1, left)


async def test_a_workflow_is_not_poked_before_it_is_started(
    database: Database, shell: Shell, ahead: WakesAhead, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    lead(database, noon, shell)
    clock.forward(minutes=1)
    await ahead.round()
    assert temporal.roused == []


async def test_one_whose_wake_fails_fails_alone_and_is_left_to_its_workflow(
    database: Database, take: Ingest, ahead: WakesAhead, temporal: Temporal, clock: HandClock, noon: datetime
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
    assert temporal.roused == [broken.workflow_id]
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a"] * 3 + ["mail_b"] * 2
    assert await ahead.round() == 0, "nobody tries again before its workflow has"


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
    database: Database, take: Ingest, temporal: Temporal, clock: HandClock, noon: datetime
) -> None:
    """And one that was frozen between its look and its wake finds that all is done."""
    begin(database, joined(database, take, *(f"u{number}" for number in range(30))), noon)
    clock.forward(days=2)
    one, other, frozen = (WakesAhead(database, temporal, clock, lag=LAG) for _ in range(3))  # type: ignore[arg-type]
    due, _ = frozen._look()
    await asyncio.gather(one.round(), other.round())
    await asyncio.gather(one.round(), other.round())  # those whom the other one held
    await frozen._meet(due)
    assert (len(due), Counter(one.template for one in rows(database, Message))) == (30, {"mail_a": 30, "mail_b": 30})
    assert {run.wakes for run in rows(database, Enrollment)} == {2}
