"""What is asked of an enrollment (pause, resume, skip, move, exit) is done in its order, or refused with a reason."""

from datetime import datetime, timedelta

import pytest

from services.enrollments.controls import asking
from services.enrollments.forecast import places
from services.enrollments.waking import wake
from services.errors import InvalidInput, Refused
from store.queries.identity import customers
from store.session import Database
from store.tables.enrollments import ControlRequest, Decision, Enrollment
from tests.shells import Shell
from tests.store.one_enrollment import TWO_DAYS, Ingest, ask, buys, mails, own, pause, rows

pytestmark = pytest.mark.usefixtures("welcome")


def controls(database: Database) -> list[tuple[str, str, str | None]]:
    return [
        (one.verb, one.status, one.refusal)
        for one in sorted(rows(database, ControlRequest), key=lambda one: one.asked_at)
    ]


def test_what_is_asked_is_done_in_its_order_or_refused(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    for second, verb in enumerate(["skip", "skip", "pause", "resume", "resume"], start=1):
        ask(database, verb, noon + timedelta(seconds=second))
    shell.wake(noon + timedelta(minutes=1))
    assert controls(database) == [
        ("skip", "done", None),
        ("skip", "refused", "no step is waited in: the customer rests in stage 'new'"),
        ("pause", "done", None),
        ("resume", "done", None),
        ("resume", "refused", "the enrollment is not paused"),
    ]
    assert sorted(mails(database)) == ["mail_a", "mail_b"]


def test_what_is_asked_can_be_done_in_the_transaction_that_asks(
    database: Database, shell: Shell, noon: datetime
) -> None:
    """Whoever holds the customer is not passed over by themselves, and the poke finds that nothing is left to do."""
    shell.wake(noon)
    with database.writing() as session:
        customers.lock_owners(session, [shell.enrollment])
        asking.ask(session, session.get_one(Enrollment, shell.enrollment), "pause", noon)
        assert wake.lead(session, [shell.enrollment], noon).done == [shell.enrollment]
    assert (controls(database), own(database).paused, own(database).poked_at) == ([("pause", "done", None)], True, None)
    shell.wake(noon)
    assert shell.state.paused


def test_what_is_asked_twice_under_one_name_is_asked_once(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    ask(database, "pause", noon, once="ctl_x")
    shell.wake(noon)
    assert ask(database, "pause", noon, once="ctl_x").status == "done"
    assert controls(database) == [("pause", "done", None)]


def test_what_nobody_did_in_time_is_withdrawn_and_not_done_later(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    asked = ask(database, "exit", noon)
    with database.writing() as session:
        assert asking.withdraw(session, asked.id, noon)
        assert not asking.withdraw(session, asked.id, noon)
    shell.wake(noon)
    assert shell.state.phase == "live"
    with database.reading() as session, pytest.raises(Refused, match="withdrawn"):
        asking.outcome(session, asked.id)


def test_who_was_told_that_it_was_withdrawn_tries_again_under_the_same_name(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    ask(database, "pause", noon, once="ctl_x")
    with database.writing() as session:
        assert asking.withdraw(session, "ctl_x", noon)
    ask(database, "pause", noon + timedelta(minutes=1), once="ctl_x")
    shell.wake(noon + timedelta(minutes=1))
    assert (controls(database), shell.state.paused) == ([("pause", "done", None)], True)


@pytest.mark.parametrize("what", ["event", "control"])
def test_a_clock_that_runs_ahead_brings_nobodys_deadline_forward(
    database: Database, shell: Shell, take: Ingest, noon: datetime, what: str
) -> None:
    """The API's machine is three days ahead of Temporal's: mail_b is due in two."""
    shell.wake(noon)
    if what == "event":
        buys(take, noon + timedelta(days=3))
    else:
        ask(database, "pause", noon + timedelta(days=3))
    shell.wake(noon)
    assert "mail_b" not in mails(database)
    assert (shell.state.stage, shell.state.paused) == (("buyer", False) if what == "event" else ("new", True))


def test_a_wake_that_is_carried_out_late_lets_the_deadline_come_before_what_came_after_it(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """The machine is busy: what works up to a second before the deadline sees an event of a second behind it."""
    shell.wake(noon)
    deadline = noon + TWO_DAYS
    buys(take, deadline + timedelta(seconds=1))
    waiting = shell.wake(deadline - timedelta(seconds=1))
    assert (waiting.wakes_at, shell.state.stage) == (deadline, "new"), "it is yet to be waited for"
    shell.wake(deadline)
    assert (mails(database)["mail_b"][0], shell.state.stage) == ("skipped", "buyer"), "planned first, then taken back"


def test_what_is_asked_behind_the_end_is_refused(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    ask(database, "exit", noon)
    ask(database, "pause", noon + timedelta(seconds=1))
    shell.wake(noon + timedelta(seconds=2))
    assert controls(database) == [
        ("exit", "done", None),
        ("pause", "refused", "the enrollment has ended (exited)"),
    ]
    with pytest.raises(Refused, match="the enrollment has ended"):
        ask(database, "pause", noon)


def test_a_paused_journey_pauses_who_would_act_and_lets_them_go_on(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    pause(database, True, noon)
    shell.wake(noon + timedelta(days=1))
    assert not shell.state.paused, "who waits anyway is left alone"
    shell.wake(noon + TWO_DAYS)
    buys(take, noon + timedelta(days=3))
    shell.wake(noon + timedelta(days=3))
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.paused, enrollment.paused_by, enrollment.stage) == (True, "journey", "new")
    with pytest.raises(Refused, match="the whole journey 'welcome' is paused"):
        ask(database, "resume", noon + timedelta(days=3))
    pause(database, False, noon + timedelta(days=4))
    shell.wake(noon + timedelta(days=4))
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.paused, enrollment.paused_by, enrollment.stage) == (False, None, "buyer")
    assert sorted(mails(database)) == ["mail_a", "mail_c"]


def test_a_person_moves_an_enrollment_to_a_step_and_its_mail_of_before_is_taken_back(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    (run,) = rows(database, Enrollment)
    with database.writing() as session:
        place = places.place_named(session, run, "buyer", None)
        asking.ask(session, run, "move", noon + timedelta(hours=1), to=place)
    shell.wake(noon + timedelta(hours=1))
    (moved,) = rows(database, Enrollment)
    assert (moved.stage, moved.step, moved.visit, moved.wakes_at) == ("buyer", None, 2, None)
    assert mails(database) == {"mail_a": ("skipped", "pre_empted"), "mail_c": ("planned", None)}
    with database.writing() as session:
        back = places.place_named(session, moved, "new", "wait:2 days")
        asking.ask(session, moved, "move", noon + timedelta(hours=2), to=back)
    shell.wake(noon + timedelta(hours=2))
    (moved,) = rows(database, Enrollment)
    assert (moved.stage, moved.step, moved.wakes_at) == ("new", "new/wait:2 days", noon + timedelta(days=2, hours=2))
    assert shell.state.visit == moved.visit == 3
    assert controls(database) == [("move", "done", None), ("move", "done", None)]
    told = [one.detail for one in rows(database, Decision) if one.what == "moved"]
    assert [(one["to"], one["cause"], one.get("to_step")) for one in told] == [
        ("buyer", "person", None),
        ("new", "person", "new/wait:2 days"),
    ]


@pytest.mark.parametrize(
    ("stage", "step", "path", "said"),
    [
        ("byer", None, "stage", "there is no stage 'byer'; expected 'buyer', the nearest name"),
        (
            "new",
            "send:mail_c",
            "step",
            "the stage 'new' has no step 'send:mail_c'; expected 'new/send:mail_b', the nearest name",
        ),
    ],
)
def test_a_place_that_is_none_is_told_with_the_nearest(
    database: Database, shell: Shell, stage: str, step: str | None, path: str, said: str
) -> None:
    (run,) = rows(database, Enrollment)
    with database.reading() as session, pytest.raises(InvalidInput) as refused:
        places.place_named(session, run, stage, step)
    assert (refused.value.path, refused.value.message) == (path, said)
