"""Enrollments are moved to another version, and their workflows hear of it at their next wake."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from journeys.changes.mapping import Moves
from journeys.changes.outcomes import Choices
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.reports.health import reconciliation
from store.queries.figures import counts
from store.session import Database
from store.tables.enrollments import Decision, Dispatch, Enrollment, Interest
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.conftest import WELCOME
from tests.store.one_enrollment import TWO_DAYS, Ingest, ask, buys, mails, rows

pytestmark = pytest.mark.usefixtures("welcome")

Moved = Callable[..., dict[str, int]]


@pytest.fixture
def moved(database: Database, publish: Callable[[str, str], None], noon: datetime) -> Moved:
    """Publish another version and move everybody to it; how many became of each kind."""

    def run(*pairs: tuple[str, str], at: datetime = noon, **more: Any) -> dict[str, int]:
        text = WELCOME
        for old, new in pairs:
            assert old in text
            text = text.replace(old, new)
        publish("welcome", text)
        with database.writing() as session:
            version, program = journeys.live(session, "welcome")
            choices = Choices(**{"spread": timedelta(), **more.pop("choices", {})})
            target = TargetVersion(number=version.number, program=program, choices=choices, **more)
            those = {one.id: one.customer_id for one in session.exec(select(Enrollment)).all()}
            return {str(kind): count for kind, count in moving.move(session, target, those, at).items()}

    return run


def test_a_longer_wait_ends_later_and_the_workflow_hears_of_it(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    shell.wake(noon)
    assert moved(("2 days", "5 days"), at=noon + timedelta(hours=1)) == {"retimed": 1}
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.version, enrollment.step, enrollment.wakes_at) == (
        2,
        "new/wait:5 days",
        noon + timedelta(days=5),
    )
    assert [one.kind for one in rows(database, Dispatch)] == ["start", "poke"]
    shell.wake(noon + timedelta(hours=2))
    assert (shell.state.position, shell.wakes) == ("new/wait:5 days", 2)
    shell.wake(noon + TWO_DAYS)
    assert set(mails(database)) == {"mail_a"}
    shell.wake(noon + timedelta(days=5))
    assert set(mails(database)) == {"mail_a", "mail_b"}
    decision = next(one for one in rows(database, Decision) if one.what == "migrated")
    assert decision.detail["from"] == {"version": 1, "stage": "new", "step": "new/wait:2 days"}
    assert decision.detail["to"] == {"version": 2, "stage": "new", "step": "new/wait:5 days"}


def test_a_result_that_was_lost_before_the_move_is_followed_under_the_old_version(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    lost = shell.lose(noon)
    moved(("2 days", "5 days"))
    assert shell.follow(noon) == replace(lost, more=True)
    assert shell.state.position == "new/wait:2 days"
    shell.wake(noon)
    assert shell.state.position == "new/wait:5 days"


def test_a_result_that_was_lost_behind_the_move_is_told_again(
    shell: Shell, moved: Moved, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    moved(("2 days", "5 days"))
    lost = shell.lose(noon)
    buys(take, noon)
    assert shell.follow(noon) == replace(lost, more=True)
    assert (shell.state.stage, shell.state.position) == ("new", "new/wait:5 days")
    shell.wake(noon)
    assert shell.state.stage == "buyer"


def test_counts_and_what_it_waits_for_follow_the_new_version(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    shell.wake(noon)
    before = sorted(one.name for one in rows(database, Interest))
    moved(
        ("stages:\n  new:", "stages:\n  fresh:"),
        ("start: new", "start: fresh"),
        ("on: Bought", "on: Paid"),
        moves=Moves(stages={"new": "fresh"}),
    )
    assert before == ["Account Closed", "Bought"]
    assert sorted(one.name for one in rows(database, Interest)) == ["Account Closed", "Paid"]
    with database.reading() as session:
        assert counts.stages(session, "welcome") == {"fresh": 1}
        assert counts.movements(session, "welcome") == {"->new": 1, "new->fresh": 1}
        assert reconciliation.reconcile(session, recount=True)["balanced"]


def test_whoever_is_paused_is_moved_and_stays_paused(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    shell.wake(noon)
    ask(database, "pause", noon)
    shell.wake(noon)
    moved(("2 days", "1 day"), at=noon + TWO_DAYS)
    shell.wake(noon + TWO_DAYS)
    assert (shell.state.paused, set(mails(database))) == (True, {"mail_a"})


def test_what_one_version_sent_another_does_not_send_again(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    shell.wake(noon)
    assert moved(("{send: mail_b}", "{send: mail_a, id: once_more}, {send: mail_b}")) == {"mails_again": 1}
    shell.wake(noon + TWO_DAYS)
    assert mails(database)["mail_b"] == ("planned", None)
    with database.reading() as session:
        told = {(one.step, one.status, one.reason) for one in session.exec(select(Message)).all()}
    assert ("once_more", "skipped", "sent_before") in told


def test_who_has_not_begun_or_is_about_to_act_is_left(
    database: Database, shell: Shell, moved: Moved, noon: datetime
) -> None:
    assert moved(("2 days", "5 days")) == {"unsettled": 1}
    (enrollment,) = rows(database, Enrollment)
    assert (enrollment.version, enrollment.migrating) == (1, False)


def test_a_share_moves_the_same_ones_each_time(noon: datetime, compiled: Any) -> None:
    program = compiled(WELCOME)
    tenth, half = (TargetVersion(number=1, program=program, share=one) for one in (10, 50))
    names = [f"enr_{number}" for number in range(2_000)]
    first = {one for one in names if tenth.concerns(one)}
    assert 140 < len(first) < 260
    assert first <= {one for one in names if half.concerns(one)}


def test_one_whose_state_cannot_be_read_keeps_their_place_and_stops_nobody(
    database: Database, shell: Shell, moved: Moved, take: Ingest, noon: datetime
) -> None:
    shell.wake(noon)
    take({"type": "track", "userId": "bea", "event": "Signed Up"})
    with database.writing() as session:
        broken = session.exec(select(Enrollment).where(col(Enrollment.id) != shell.enrollment)).one()
        broken.state = {"phase": "nobody knows"}
        session.add(broken)
    assert moved(("2 days", "5 days"), at=noon + timedelta(hours=1)) == {"retimed": 1, "unsettled": 1}
    assert {one.id == shell.enrollment: (one.version, one.migrating) for one in rows(database, Enrollment)} == {
        True: (2, True),
        False: (1, False),
    }


@pytest.mark.parametrize("paused", [False, True])
def test_an_event_before_the_move_is_no_news_to_the_version_that_waits_for_it(
    database: Database, shell: Shell, take: Ingest, moved: Moved, noon: datetime, paused: bool
) -> None:
    """The old one did not wait for it. Whoever is paused has not looked yet, and hears it when they are resumed."""
    shell.wake(noon)
    if paused:
        ask(database, "pause", noon)
        shell.wake(noon)
    take({"type": "track", "userId": "ann", "event": "Looked"}, at=noon)
    moved(("on: Bought", "on: Looked"), at=noon + timedelta(hours=1))
    shell.wake(noon + timedelta(hours=1))
    assert (shell.state.stage, rows(database, Enrollment)[0].cursor) == ("new", shell.state.cursor)
    if paused:
        ask(database, "resume", noon + timedelta(hours=2))
    else:
        take({"type": "track", "userId": "ann", "event": "Looked"}, at=noon + timedelta(hours=2))
    shell.wake(noon + timedelta(hours=2))
    assert shell.state.stage == "buyer"
