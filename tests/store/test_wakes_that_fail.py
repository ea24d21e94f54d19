"""A wake that ends in an error of its own is told as stuck; a database that cannot be had is waited for."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy.exc import InterfaceError, TimeoutError
from sqlmodel import select
from temporalio.exceptions import ApplicationError
from temporalio.testing import ActivityEnvironment

from activities.signatures import Wake
from activities.wake import STUCK_AFTER, STUCK_AFTER_ALL, Waking
from services.enrollments.controls import asking
from services.enrollments.waking import wake
from store.session import Database
from store.tables.enrollments import ControlRequest, Decision, Enrollment, Interest
from tests.refused import CANCELLED
from tests.shells import Shell
from tests.store.one_enrollment import ask, lead, mails, own, rows

pytestmark = pytest.mark.usefixtures("welcome")

Attempt = Callable[[int], Any]


@pytest.fixture
def attempt(database: Database, shell: Shell, noon: datetime) -> Attempt:
    """The same wake, for the so-manieth time."""

    def run(number: int) -> Any:
        environment = ActivityEnvironment()
        environment.info = replace(environment.info, attempt=number)
        asked = Wake(enrollment=shell.enrollment, number=shell.wakes + 1, now=noon, astray=False)
        return environment.run(Waking(database).wake, asked)

    return run


def fails(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    def work_off(*_: Any, **__: Any) -> Any:
        raise error

    monkeypatch.setattr(wake, "_work_off", work_off)


def test_one_that_fails_in_its_own_way_is_stuck_after_some_seconds(
    database: Database, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    fails(monkeypatch, KeyError("guard"))
    with pytest.raises(ApplicationError, match="the wake failed"):
        attempt(STUCK_AFTER - 1)
    assert (own(database).stuck, attempt(STUCK_AFTER)) == (None, {"stuck": True})
    assert own(database).stuck == "KeyError: 'guard'"


def test_where_not_even_that_can_be_written_it_is_tried_again_and_temporal_hears_of_no_statement(
    database: Database, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object, **__: object) -> None:
        raise CANCELLED

    fails(monkeypatch, KeyError("guard"))
    monkeypatch.setattr(wake, "set_aside", away)
    for number in (STUCK_AFTER, STUCK_AFTER_ALL):
        with pytest.raises(ApplicationError, match="cannot be had"):
            attempt(number)
    assert own(database).stuck is None


@pytest.mark.parametrize("error", [CANCELLED, InterfaceError("SELECT", {}, Exception("closed"))])
def test_one_with_which_the_database_alone_has_trouble_is_stuck_after_some_minutes(
    database: Database, attempt: Attempt, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    fails(monkeypatch, error)
    for number in (1, STUCK_AFTER, STUCK_AFTER_ALL - 1):
        with pytest.raises(ApplicationError, match="cannot be had"):
            attempt(number)
    assert attempt(STUCK_AFTER_ALL) == {"stuck": True}
    assert type(error).__name__ in (own(database).stuck or "")


def test_a_database_that_cannot_be_had_makes_nobody_stuck_however_long_it_takes(
    database: Database, attempt: Attempt, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(work: object) -> None:
        raise CANCELLED

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", away)
        with pytest.raises(ApplicationError, match="cannot be had"):
            attempt(500)
    fails(monkeypatch, TimeoutError("no connection is free"))
    with pytest.raises(ApplicationError, match="cannot be had"):
        attempt(500)
    assert own(database).stuck is None


@pytest.mark.parametrize("begun", [True, False], ids=["one who is under way", "one who has not begun"])
def test_one_that_is_asked_to_end_is_given_up_and_its_workflow_ends_with_it(
    database: Database, shell: Shell, attempt: Attempt, noon: datetime, monkeypatch: pytest.MonkeyPatch, begun: bool
) -> None:
    """Its wakes never come to that, since they end in an error before."""
    if begun:
        shell.wake(noon)
    for verb in ("pause", "exit"):
        ask(database, verb, noon)
    with monkeypatch.context() as patched:
        fails(patched, KeyError("guard"))
        with pytest.raises(ApplicationError, match="the wake failed"):
            attempt(STUCK_AFTER - 1)
        attempt(STUCK_AFTER)
    found = own(database)
    assert (found.status, found.reason, found.stuck, found.wakes_at) == ("ended", "exited", None, None)
    assert mails(database) == ({"mail_a": ("skipped", "exited")} if begun else {})
    assert [(one.verb, one.status) for one in rows(database, ControlRequest)] == [
        ("pause", "refused"),
        ("exit", "done"),
    ]
    assert (rows(database, Interest), found.due_at, found.poked_at) == ([], None, None)
    (ended,) = (one for one in rows(database, Decision) if one.what == "ended")
    assert ended.detail == {"reason": "exited", "cause": "person", "stuck": "KeyError: 'guard'"}
    shell.wake(noon)
    assert (shell.state.ended, shell.state.reason, shell.wakes) == (True, "exited", found.wakes)
    assert "put_right" not in {one.what for one in rows(database, Decision)}


def test_one_that_is_stuck_does_not_live_on_beside_the_run_that_takes_its_place(
    database: Database, shell: Shell, attempt: Attempt, noon: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.wake(noon)
    with monkeypatch.context() as patched:
        fails(patched, KeyError("guard"))
        attempt(STUCK_AFTER)
        with database.writing() as session:
            asking.leave(session, session.exec(select(Enrollment)).all(), "restarted", noon)
        attempt(STUCK_AFTER)
    assert (own(database).status, own(database).reason) == ("ended", "restarted")


@pytest.mark.parametrize("verb", ["pause", "exit"])
def test_a_wake_that_was_done_by_others_while_it_failed_sets_nobody_aside(
    database: Database, shell: Shell, attempt: Attempt, noon: datetime, monkeypatch: pytest.MonkeyPatch, verb: str
) -> None:
    """They would be told as stuck, and stand until the workflow asks again."""
    shell.wake(noon)
    ask(database, verb, noon)
    work_off = wake._work_off

    def overtaken(*_: Any, **__: Any) -> Any:
        """What it needs is there again as soon as it has failed."""
        monkeypatch.setattr(wake, "_work_off", work_off)
        raise KeyError("guard")

    monkeypatch.setattr(wake, "_work_off", overtaken)
    write = database.write

    def between(work: Callable[..., Any]) -> Any:
        try:
            return write(work)
        except KeyError:
            lead(database, noon, shell)
            raise

    with monkeypatch.context() as patched:
        patched.setattr(database, "write", between)
        with pytest.raises(ApplicationError, match="done meanwhile"):
            attempt(STUCK_AFTER)
    assert own(database).stuck is None
    assert attempt(STUCK_AFTER + 1) != {"stuck": True}
    assert "stuck" not in {one.what for one in rows(database, Decision)}
