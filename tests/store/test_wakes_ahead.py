"""Enrollments are waked ahead of their workflows, which follow later: what is kept for them, and how far it may go."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest

from journeys.changes.outcomes import Choices
from journeys.machine.woken import restored
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.enrollments.controls import asking
from services.enrollments.waking import wake
from services.enrollments.waking.wake import Led
from services.errors import NotFound
from services.jobs import erasure
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Decision
from store.tables.messages import Message
from tests.conftest import HandClock, Statements
from tests.shells import Shell
from tests.store.conftest import WELCOME
from tests.store.one_enrollment import TWO_DAYS, Ingest, ask, buys, joined, lead, mails, own, pause, rows, story

pytestmark = pytest.mark.usefixtures("welcome")


def test_a_workflow_follows_several_wakes_as_one(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    lead(database, noon + TWO_DAYS, shell)
    buys(take, noon + TWO_DAYS)
    assert lead(database, noon + TWO_DAYS, shell) == Led(done=[shell.enrollment], full=[], held=[])
    assert (shell.state.stage, own(database).stage, own(database).wakes) == ("new", "buyer", 3)
    told = shell.lose(noon + TWO_DAYS)
    assert (told.number, [one.kind for one in told.inputs], told.more) == (3, ["woke", "event"], False)
    assert shell.lose(noon + TWO_DAYS * 2) == told, "a repeat is told the same"
    shell.wake(noon + TWO_DAYS * 2)
    assert (shell.state, shell.wakes) == (restored(own(database).state), 3)
    assert [what for _, what in story(database)] == ["entered", "planned", "planned", "moved", "planned"]
    assert (own(database).follow_at, len(own(database).last_wakes)) == (None, 3)


def test_a_task_of_the_workflow_that_is_done_again_asks_for_each_of_its_wakes_again(
    database: Database, shell: Shell, take: Ingest, noon: datetime
) -> None:
    """Several were told as one, the next was done, and its worker died before any of it was in a history."""
    lead(database, noon, shell)
    lead(database, noon + TWO_DAYS, shell)
    first = Shell(database, own(database))
    first.state, first.wakes = shell.state, 0
    first.follow(noon + TWO_DAYS)
    buys(take, noon + TWO_DAYS)
    first.wake(noon + TWO_DAYS)
    again = shell.follow(noon + TWO_DAYS)
    assert (again.number, again.state, shell.state) == (3, None, first.state)
    assert "put_right" not in {one.what for one in rows(database, Decision)}


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
    assert len(own(database).last_wakes) == 4, "as far as anybody knows it has followed the first alone"
    shell.wake(noon + TWO_DAYS)
    assert (shell.state.ended, shell.wakes, len(own(database).last_wakes)) == (True, 4, 4)


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
    assert lead(database, noon, shell) == Led(done=[], full=[shell.enrollment], held=[])
    assert own(database).wakes == wake.AHEAD
    shell.wake(noon)
    assert (shell.wakes, shell.state.visit, own(database).poked_at) == (wake.AHEAD + 1, wake.AHEAD + 1, None)
    take({"type": "track", "userId": "bob", "event": "E"})
    assert lead(database, noon, shell).done == [shell.enrollment], "there is room again"


def test_one_that_is_as_far_ahead_as_may_be_meets_its_deadline_by_its_workflow_in_time(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    """Nobody leads it, so its workflow is poked at once and does not look a lag after the deadline."""
    publish("turning", TURNING.replace("b: {", "b: {steps: [{wait: 2 days}], "))
    take({"type": "track", "userId": "bob", "event": "Begun"})
    shell = Shell(database, own(database))
    shell.wake(noon)
    for _ in range(wake.AHEAD - 1):
        take({"type": "track", "userId": "bob", "event": "E"})
        lead(database, noon, shell, lag=timedelta(minutes=5))
    assert (own(database).stage, own(database).due_at, own(database).follow_at) == ("b", None, noon)
    told = database.write(lambda session: wake.wake(session, shell.enrollment, 2, noon, lag=timedelta(minutes=5)))
    assert told.wakes_at is not None
    assert told.wakes_at - (noon + TWO_DAYS) in (timedelta(), wake.spread(timedelta(minutes=5), shell.enrollment))
    assert (own(database).due_at is None) == (told.wakes_at == noon + TWO_DAYS), "either somebody leads it, or it looks"


GONE = """journey: gone
enter: [{on: Signed Up}]
start: gone
stages:
  gone: {mailable: false, transitions: [{on: Bought, to: back}]}
  back: {}
"""
THANKS = """journey: thanks
enter: [{on: Signed Up}]
start: waits
stages:
  waits: {transitions: [{on: Bought, to: thanked}]}
  thanked: {steps: [{send: mail_a}]}
"""


def test_who_may_be_mailed_again_since_another_run_moved_on_in_the_same_transaction_is_mailed(
    database: Database, take: Ingest, publish: Callable[[str, str], None], noon: datetime
) -> None:
    """One event takes Ann out of a stage in which nobody is mailed, and has her thanked."""
    publish("gone", GONE)
    publish("thanks", THANKS)
    shells = joined(database, take, "ann", "bob")
    lead(database, noon, *shells)
    for one in ("bob", "ann"):
        take({"type": "track", "userId": one, "event": "Bought"}, at=noon)
    lead(database, noon, *shells)
    thanks = [(one.journey, one.status) for one in rows(database, Message) if one.journey == "thanks"]
    assert thanks == [("thanks", "planned")] * 2


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
    assert lead(database, noon + TWO_DAYS, shell) == Led(done=[], full=[], held=[])
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
