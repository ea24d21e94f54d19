"""An enrollment whose wake fails says so, and nobody stands still unseen."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import select

from journeys.machine.woken import Woken
from services.enrollments.waking import wake
from services.reports.health import backlog
from services.upkeep import upkeep
from store.session import Database
from store.tables.enrollments import Decision, Dispatch, Enrollment
from tests.shells import Shell
from tests.store.one_enrollment import TWO_DAYS, Ingest, buys, mails, rows

pytestmark = pytest.mark.usefixtures("welcome")


def test_a_wake_that_goes_well_again_is_stuck_no_more(database: Database, shell: Shell, noon: datetime) -> None:
    shell.wake(noon)
    with database.writing() as session:
        wake.set_aside(session, shell.enrollment, "KeyError: 'x'", noon)
    shell.wake(noon)
    assert rows(database, Enrollment)[0].stuck is None


def test_an_enrollment_that_is_stuck_says_so_once_and_goes_on_when_it_can(
    database: Database, shell: Shell, noon: datetime
) -> None:
    shell.wake(noon)
    for error in ("KeyError: 'x'", "KeyError: 'x'", "KeyError: 'y'"):
        with database.writing() as session:
            stuck = wake.set_aside(session, shell.enrollment, error, noon)
        assert stuck == Woken(stuck=True), "what the error says stays out of Temporal's history"
    told = [one.detail["error"] for one in rows(database, Decision) if one.what == "stuck"]
    assert sorted(told) == ["KeyError: 'x'", "KeyError: 'y'"]
    shell.wake(noon + TWO_DAYS)
    assert rows(database, Enrollment)[0].stuck is None
    assert "mail_b" in mails(database)


def test_nobody_stands_still_unseen(database: Database, shell: Shell, take: Ingest, noon: datetime) -> None:
    """A wait whose end has passed, or an event that is waited for: poked again, each once in ten minutes."""
    shell.wake(noon)
    pokes(database)
    late = noon + TWO_DAYS + timedelta(minutes=11)
    for now, overdue in ((noon + TWO_DAYS + timedelta(minutes=9), 0), (late, 1)):
        assert standing(database, now) == {"overdue": overdue, "stuck": 0}
    nudged: list[int] = []
    for minutes in (0, 1, 9, 11):
        with database.writing() as session:
            upkeep.do(session, late + timedelta(minutes=minutes))
        nudged.append(pokes(database))
    assert nudged == [1, 0, 0, 1]
    shell.wake(late)
    assert standing(database, late + timedelta(days=9)) == {"overdue": 0, "stuck": 0}, "it rests, and nothing is due"
    buys(take, late)
    assert standing(database, late + timedelta(minutes=11)) == {"overdue": 1, "stuck": 0}
    shell.wake(late + timedelta(minutes=12))
    assert standing(database, late + timedelta(minutes=30)) == {"overdue": 0, "stuck": 0}
    with database.writing() as session:
        wake.set_aside(session, shell.enrollment, "KeyError: 'x'", late)
    assert standing(database, late) == {"overdue": 0, "stuck": 1}


def pokes(database: Database) -> int:
    """How many pokes are on their way; they have gone now."""
    with database.writing() as session:
        return sum(session.delete(one) is None for one in session.exec(select(Dispatch)).all())


def standing(database: Database, now: datetime) -> dict[str, int]:
    with database.reading() as session:
        found = backlog.standing_still(session, now)
        return {kind: found[kind] for kind in ("overdue", "stuck")}
