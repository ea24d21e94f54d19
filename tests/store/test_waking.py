"""A wake is one transaction: what is due comes in its order, what is committed has happened, and a repeat is told it."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from journeys.machine.woken import Woken
from services.enrollments.waking import working_off
from store import bulk
from store.queries.figures import counts
from store.session import Database
from store.tables.customers import Customer, Event, Suppression
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from tests.conftest import Statements
from tests.shells import Shell
from tests.store.one_enrollment import TWO_DAYS, Ingest, ask, buys, mails, rows, story

pytestmark = pytest.mark.usefixtures("welcome")


def test_a_run_shows_where_it_stands_and_registers_what_it_waits_for(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.stage, enrollment.step, enrollment.wakes_at) == ("new", "new/wait:2 days", noon + TWO_DAYS)
    assert sorted(one.name for one in rows(database, Interest)) == ["Account Closed", "Bought"]
    assert story(database) == [(1, "entered"), (2, "planned")]
    assert mails(database) == {"mail_a": ("planned", None)}


def test_a_wake_whose_result_was_lost_is_told_again(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The worker died behind the commit; what has come since is left to the next wake, which is to come at once."""
    lost = shell.lose(noon)
    buys(take, noon)
    ask(database, "pause", noon)
    with database.writing() as session:
        session.add(Suppression(email="ann@example.com", reason="bounce", source="test", created_at=noon))
    told = replace(lost, more=True)
    assert shell.lose(noon + TWO_DAYS) == told
    assert shell.follow(noon) == told
    assert (shell.state.stage, shell.state.paused) == ("new", False)
    shell.wake(noon + timedelta(seconds=1))
    assert (shell.state.stage, shell.state.paused) == ("buyer", True)
    assert story(database) == [(1, "entered"), (2, "planned"), (3, "moved"), (4, "skipped"), (5, "paused")]


@pytest.mark.parametrize("what", ["pause", "deadline", "event"])
def test_after_a_lost_wake_everything_goes_on(
    database: Database, shell: Shell, take: Ingest, noon: datetime, what: str
) -> None:
    """It planned mail_b and its worker died; whatever comes next, the enrollment goes on from there."""
    shell.wake(noon)
    later = noon + TWO_DAYS
    shell.lose(later)
    assert story(database)[-1] == (3, "planned")
    if what == "pause":
        ask(database, "pause", later)
    elif what == "event":
        buys(take, later)
    shell.wake(later + timedelta(days=1))
    shell.wake(later + timedelta(days=1))
    assert (shell.state.paused, shell.state.stage) == (what == "pause", "buyer" if what == "event" else "new")
    assert [number for number, _ in story(database)] == list(range(1, shell.state.number + 1))
    assert mails(database)["mail_b"] == (("skipped", "pre_empted") if what == "event" else ("planned", None))


def test_a_wake_that_finds_nothing_changes_nothing(database: Database, shell: Shell, noon: datetime) -> None:
    """A thousand pokes, say."""
    reached, before = shell.wake(noon), rows(database, Enrollment)
    for _ in range(3):
        idle = shell.wake(noon + timedelta(hours=1))
        assert idle == Woken(wakes_at=reached.wakes_at, checksum=reached.checksum)
    assert rows(database, Enrollment) == before


def test_a_workflow_that_went_astray_is_brought_back_on_record(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    brought = shell.lose(noon + TWO_DAYS, astray=True)
    assert (brought.number, brought.inputs, brought.answers) == (2, (), ())
    assert brought.state is not None
    assert (brought.state.position, brought.state.mode) == (None, "rest")
    assert [one.detail for one in rows(database, Decision) if one.what == "put_right"] == [{"wake": 2, "wakes": 1}]
    assert shell.lose(noon + TWO_DAYS, astray=True) == brought, "a repeat is a repeat"


@pytest.mark.parametrize("wakes", [0, 5])
def test_a_workflow_that_is_ahead_or_behind_takes_the_stored_state_over(
    database: Database, shell: Shell, take: Ingest, noon: datetime, wakes: int
) -> None:
    """It was reset to a point before the wakes that are kept, or the database was put back from a backup."""
    shell.wake(noon)
    shell.wake(noon + TWO_DAYS)
    buys(take, noon + TWO_DAYS)
    shell.wake(noon + TWO_DAYS)
    with database.writing() as session:
        one = session.exec(select(Enrollment)).one()
        one.last_wakes = one.last_wakes[-1:]
    shell.wakes = wakes
    brought = shell.lose(noon + TWO_DAYS)
    assert (brought.number, brought.state) == (4, shell.state)


def test_a_deadline_waits_for_events_that_came_first(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The order is stored and its poke is still on its way when the wait ends: nobody is mailed for nothing."""
    shell.wake(noon)
    buys(take, noon + TWO_DAYS - timedelta(seconds=1))
    shell.wake(noon + TWO_DAYS)
    assert shell.state.stage == "buyer"
    assert sorted(mails(database)) == ["mail_a", "mail_c"]


def test_a_mail_that_a_later_event_pre_empts_never_goes(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """After a downtime of a week: the wait ended on day 2, the order came on day 3. All of it is one transaction."""
    shell.wake(noon)
    buys(take, noon + timedelta(days=3))
    shell.wake(noon + timedelta(days=7))
    assert mails(database)["mail_b"] == ("skipped", "pre_empted")
    assert shell.state.stage == "buyer"


def test_an_event_between_start_and_registration_is_not_lost(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    buys(take, noon)
    shell.wake(noon)
    assert shell.state.stage == "buyer"


def test_a_poke_that_comes_twice_fires_once(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    shell.wake(noon)
    buys(take, noon)
    for _ in range(2):
        shell.wake(noon)
    assert [what for _, what in story(database)].count("moved") == 1


def test_many_events_are_one_poke(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    shell.wake(noon)
    take(*({"type": "track", "userId": "ann", "event": "Bought"} for _ in range(100)))
    assert [(one.kind, one.payload) for one in rows(database, Dispatch)][1:] == [("poke", {})]


TURNING = (
    "journey: turning\nenter: [{on: Begun}]\nstart: a\nstages:\n"
    "  a: {transitions: [{on: E, to: b}]}\n  b: {transitions: [{on: E, to: a}]}"
)


def turning(database: Database, take: Ingest, user: str) -> Shell:
    take({"type": "track", "userId": user, "event": "Begun"})
    query = select(Enrollment).join(Customer).where(Enrollment.journey == "turning", Customer.external_id == user)
    with database.reading() as session:
        return Shell(database, session.exec(query).one())


def test_a_long_backlog_is_worked_off_in_several_wakes_each_of_them_whole(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    publish("turning", TURNING)
    shell = turning(database, take, "bob")
    take(*({"type": "track", "userId": "bob", "event": "E"} for _ in range(120)))
    first = shell.lose(noon)
    assert (len(first.inputs), first.more) == (working_off.INPUTS, True)
    shell.wake(noon)
    assert (shell.state.visit, shell.wakes, shell.state.stage) == (121, 3, "a")


def test_a_wake_asks_no_more_before_a_hundred_thousand_events_than_before_a_hundred(
    database: Database, take: Ingest, publish: Callable[[str, str], None], statements: Statements, noon: datetime
) -> None:
    publish("turning", TURNING)
    asked: list[int] = []
    for user, backlog in (("bob", 100), ("cleo", 100_000)):
        shell = turning(database, take, user)
        with database.writing() as session:
            owner = session.exec(select(Customer).where(Customer.external_id == user)).one()
            bulk.add(session, Event, [happened(owner, owner.seq + one, noon) for one in range(1, backlog + 1)])
            owner.seq += backlog
        with statements(database, at_most=10 + 2 * working_off.INPUTS) as made:  # its facts, and the event's
            woken = shell.lose(noon)
        assert (len(woken.inputs), woken.more) == (working_off.INPUTS, True)
        asked.append(len(made))
    assert asked[1] <= asked[0]


def happened(owner: Customer, seq: int, at: datetime) -> bulk.ColumnValues:
    name = f"{owner.id}/{seq}"
    return {
        "id": name, "message_id": name, "customer_id": owner.id, "seq": seq, "type": "track", "name": "E",
        "properties": {}, "fires": True, "at": at, "received_at": at,
    }  # fmt: skip


def test_a_transition_takes_back_the_mail_of_the_stage_left(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    buys(take, noon)
    shell.wake(noon)
    assert mails(database) == {"mail_a": ("skipped", "pre_empted"), "mail_c": ("planned", None)}


def test_counts_follow_every_move(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    shell.wake(noon)
    with database.reading() as session:
        assert counts.steps(session, "welcome") == {("new", "new/wait:2 days"): 1}
    buys(take, noon)
    shell.wake(noon)
    with database.reading() as session:
        assert counts.stages(session, "welcome") == {"buyer": 1}
        assert counts.movements(session, "welcome") == {"->new": 1, "new->buyer": 1}
    take({"type": "track", "userId": "ann", "event": "Account Closed"})
    shell.wake(noon)
    with database.reading() as session:
        assert counts.stages(session, "welcome") == {}
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.status, enrollment.reason) == ("ended", "exited")
    assert rows(database, Interest) == []


def test_a_refused_mail_says_why(database: Database, shell: Shell, noon: datetime) -> None:
    with database.writing() as session:
        session.add(Suppression(email="ann@example.com", reason="bounce", source="test", created_at=noon))
    shell.wake(noon)
    assert mails(database) == {"mail_a": ("skipped", "suppressed")}
    (decision,) = [one for one in rows(database, Decision) if one.what == "skipped"]
    assert decision.detail["reason"] == "suppressed"


def test_a_question_is_answered_as_of_its_instant(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    """After a downtime: the customer had been inactive when the deadline came, and what came later moves nobody back."""
    publish(
        "quiet",
        "journey: quiet\nenter: [{on: Begun}]\nstart: a\nstages:\n"
        "  a: {transitions: [{inactive: 10 days, of: E, to: b}]}\n  b: {}",
    )
    take({"type": "track", "userId": "bob", "event": "Begun"})
    take({"type": "track", "userId": "bob", "event": "E"}, at=noon + timedelta(days=1))
    with database.reading() as session:
        shell = Shell(database, session.exec(select(Enrollment).where(Enrollment.journey == "quiet")).one())
    shell.wake(noon + timedelta(days=1))
    take({"type": "track", "userId": "bob", "event": "E"}, at=noon + timedelta(days=12))
    shell.wake(noon + timedelta(days=13))
    assert shell.state.stage == "b"
    assert shell.state.since == noon + timedelta(days=11)
