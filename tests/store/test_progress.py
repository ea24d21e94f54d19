"""Answers are durable before they are used: repeats, lost attempts, fences, what falls between."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from journeys.machine.commands import Plan
from journeys.machine.inputs import Begin, EventArrived, Pause, Resume, Woke
from services.enrollments import wake
from services.ingestion.ingest import IngestResult
from store.queries import counts
from store.session import Database
from store.tables.customers import Suppression
from store.tables.enrollments import Decision, Enrollment, Interest
from store.tables.messages import Message
from tests.shells import Shell

Ingest = Callable[..., IngestResult]

pytestmark = pytest.mark.usefixtures("welcome")


@pytest.fixture
def shell(database: Database, take: Ingest) -> Shell:
    take({"type": "identify", "userId": "ann", "traits": {"email": "ann@example.com", "first_name": "Ann"}})
    take({"type": "track", "userId": "ann", "event": "Signed Up"})
    with database.reading() as session:
        return Shell.of(database, session.exec(select(Enrollment)).one())


def rows(database: Database, table: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table)).all())


def story(database: Database) -> list[tuple[int | None, str]]:
    with database.reading() as session:
        query = select(Decision).where(col(Decision.number).is_not(None)).order_by(col(Decision.number))
        return [(one.number, one.what) for one in session.exec(query).all()]


def test_a_run_shows_where_it_stands_and_registers_what_it_waits_for(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.take(Begin(at=noon), noon)
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.stage, enrollment.step, enrollment.wakes_at) == (
        "new",
        "new/wait:2 days",
        noon + timedelta(days=2),
    )
    assert sorted(one.name for one in rows(database, Interest)) == ["Account Closed", "Bought"]
    assert story(database) == [(1, "entered"), (2, "planned"), (3, "settled")]
    assert [(one.template, one.status) for one in rows(database, Message)] == [("mail_a", "planned")]


def test_the_same_question_gets_the_stored_answer(database: Database, shell: Shell, noon: datetime) -> None:
    fresh = shell.state
    shell.take(Begin(at=noon), noon)
    reached = shell.state
    with database.writing() as session:
        session.add(Suppression(email="ann@example.com", reason="bounce", source="test", created_at=noon))
    shell.state = fresh
    shell.take(Begin(at=noon), noon)
    assert shell.state == reached
    assert [(one.template, one.status) for one in rows(database, Message)] == [("mail_a", "planned")]
    assert story(database) == [(1, "entered"), (2, "planned"), (3, "settled")]


def test_an_attempt_that_was_lost_is_undone_when_another_path_is_taken(
    database: Database, shell: Shell, noon: datetime
) -> None:
    """The worker planned mail_b and died; before it comes back, somebody pauses the enrollment."""
    shell.take(Begin(at=noon), noon)
    before, later = shell.state, noon + timedelta(days=2)
    shell.take(Woke(at=later), later, fence=True)
    assert {one.template: one.status for one in rows(database, Message)} == {"mail_a": "planned", "mail_b": "planned"}
    shell.state = before
    shell.take(Pause(at=later), later)
    messages = {one.template: (one.status, one.reason) for one in rows(database, Message)}
    assert messages == {"mail_a": ("planned", None), "mail_b": ("skipped", "pre_empted")}
    assert story(database) == [(1, "entered"), (2, "planned"), (3, "settled"), (4, "paused"), (5, "settled")]
    lost = [one for one in rows(database, Decision) if one.detail.get("lost")]
    assert {one.what for one in lost} == {"planned", "settled"}


@pytest.mark.parametrize("what", ["pause", "deadline", "event"])
def test_an_attempt_that_was_lost_half_way_is_undone_by_a_shorter_way(
    database: Database, shell: Shell, take: Ingest, noon: datetime, what: str
) -> None:
    """The worker planned mail_b and died before it asked anything more; what comes back has other first records."""
    shell.take(Begin(at=noon), noon)
    later = noon + timedelta(days=2)
    shell.lose(Woke(at=later), later)
    assert story(database)[-1] == (4, "planned")
    if what == "pause":
        shell.take(Pause(at=later), later)
        assert shell.state.paused
    elif what == "deadline":
        later += timedelta(days=1)
        shell.take(Woke(at=later), later)
        assert shell.state.mode == "rest"
    else:
        take({"type": "track", "userId": "ann", "event": "Bought"}, at=later)
        shell.take(EventArrived(at=later, seq=3, name="Bought"), later)
        assert shell.state.stage == "buyer"
    assert [number for number, _ in story(database)] == list(range(1, shell.state.number + 1))


def test_an_undone_mail_is_planned_again_as_the_same_mail(database: Database, shell: Shell, noon: datetime) -> None:
    shell.take(Begin(at=noon), noon)
    before, later = shell.state, noon + timedelta(days=2)
    shell.take(Woke(at=later), later)
    shell.state = before
    shell.take(Pause(at=later), later)
    shell.take(Resume(at=later + timedelta(minutes=1)), later + timedelta(minutes=1))
    statuses = [(one.template, one.status) for one in rows(database, Message)]
    assert sorted(statuses) == [("mail_a", "planned"), ("mail_b", "planned")]


def test_a_deadline_waits_for_events_that_came_first(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The order is stored and its signal is still on its way when the wait ends: nobody is mailed for nothing."""
    shell.take(Begin(at=noon), noon)
    take({"type": "track", "userId": "ann", "event": "Bought"}, at=noon + timedelta(days=2) - timedelta(seconds=1))
    later = noon + timedelta(days=2)
    interrupted = shell.take(Woke(at=later), later, fence=True)
    assert interrupted is not None
    assert [event.name for event in interrupted.events] == ["Bought"]
    assert [one.template for one in rows(database, Message)] == ["mail_a"]
    for event in interrupted.events:
        shell.take(event, later)
    assert shell.state.stage == "buyer"
    assert sorted(one.template for one in rows(database, Message)) == ["mail_a", "mail_c"]


def test_an_event_between_start_and_registration_is_not_lost(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    take({"type": "track", "userId": "ann", "event": "Bought"})
    shell.take(Begin(at=noon), noon)
    assert shell.state.stage == "buyer"


def test_a_signal_that_comes_twice_fires_once(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    shell.take(Begin(at=noon), noon)
    take({"type": "track", "userId": "ann", "event": "Bought"})
    for _ in range(2):
        shell.take(EventArrived(at=noon, seq=3, name="Bought"), noon)
    assert [what for _, what in story(database)].count("moved") == 1


def test_a_transition_takes_back_the_mail_of_the_stage_left(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.take(Begin(at=noon), noon)
    take({"type": "track", "userId": "ann", "event": "Bought"})
    shell.take(EventArrived(at=noon, seq=3, name="Bought"), noon)
    found = {one.template: (one.status, one.reason) for one in rows(database, Message)}
    assert found == {"mail_a": ("skipped", "pre_empted"), "mail_c": ("planned", None)}


def test_counts_follow_every_move(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    shell.take(Begin(at=noon), noon)
    with database.reading() as session:
        assert counts.steps(session, "welcome") == {("new", "new/wait:2 days"): 1}
    take({"type": "track", "userId": "ann", "event": "Bought"})
    shell.take(EventArrived(at=noon, seq=3, name="Bought"), noon)
    with database.reading() as session:
        assert counts.stages(session, "welcome") == {"buyer": 1}
        assert counts.movements(session, "welcome") == {"->new": 1, "new->buyer": 1}
    take({"type": "track", "userId": "ann", "event": "Account Closed"})
    shell.take(EventArrived(at=noon, seq=4, name="Account Closed"), noon)
    with database.reading() as session:
        assert counts.stages(session, "welcome") == {}
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.status, enrollment.reason) == ("ended", "exited")
    assert rows(database, Interest) == []


def test_a_refused_mail_says_why(database: Database, shell: Shell, noon: datetime) -> None:
    with database.writing() as session:
        session.add(Suppression(email="ann@example.com", reason="bounce", source="test", created_at=noon))
    shell.take(Begin(at=noon), noon)
    (message,) = rows(database, Message)
    assert (message.status, message.reason) == ("skipped", "suppressed")
    (decision,) = [one for one in rows(database, Decision) if one.what == "skipped"]
    assert decision.detail["reason"] == "suppressed"


def test_a_mail_is_one_row_whatever_is_repeated(database: Database, shell: Shell, noon: datetime) -> None:
    shell.take(Begin(at=noon), noon)
    (message,) = rows(database, Message)
    plan = Plan(number=99, at=noon, stage="new", visit=1, step="new/send:mail_a", due=noon)
    with database.writing() as session:
        wake.perform(session, shell.state.enrollment, [], plan, now=noon)
    assert [one.id for one in rows(database, Message)] == [message.id]


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
        shell = Shell.of(database, session.exec(select(Enrollment).where(Enrollment.journey == "quiet")).one())
    shell.take(Begin(at=noon), noon + timedelta(days=1))
    take({"type": "track", "userId": "bob", "event": "E"}, at=noon + timedelta(days=12))
    shell.take(Woke(at=noon + timedelta(days=13)), noon + timedelta(days=13))
    assert shell.state.stage == "b"
    assert shell.state.since == noon + timedelta(days=11)
