"""What becomes of the mails of those who are moved to another version: each goes once, and none is forgotten."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from journeys.changes.mapping import Moves
from journeys.changes.outcomes import Choices
from services.changes.planning import moving
from services.changes.planning.moving import TargetVersion
from services.definitions.journey_versions import journeys
from services.enrollments.forecast import enrollment_forecast
from services.reports.health import reconciliation
from store.session import Database
from store.tables.enrollments import Enrollment
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.conftest import WELCOME
from tests.store.one_enrollment import TWO_DAYS, Ingest, joined, own

Publish = Callable[[str, str], None]
MORNINGS = WELCOME.replace("{topic: news}", '{topic: news, send_window: {from: "08:00", to: "09:00"}}').replace(
    "2 days", "50 hours"
)


def moved(database: Database, text: str, now: datetime, publish: Publish, **said: Any) -> dict[str, int]:
    """Publish this and move everybody to it; how many became of each kind."""
    publish("welcome", text)
    with database.writing() as session:
        version, program = journeys.live(session, "welcome")
        choices = Choices(spread=timedelta())
        target = TargetVersion(number=version.number, program=program, choices=choices, moves=Moves(**said))
        those = {one.id: one.customer_id for one in session.exec(select(Enrollment)).all()}
        return {str(kind): count for kind, count in moving.move(session, target, those, now).items()}


def ledger(database: Database) -> dict[str, tuple[str, str | None]]:
    """Status and reason of each mail, by its step."""
    with database.reading() as session:
        assert reconciliation.reconcile(session, recount=True)["balanced"]
        return {one.step: (str(one.status), one.reason) for one in session.exec(select(Message)).all()}


def foreseen(database: Database, shell: Shell, now: datetime) -> list[str]:
    """The templates of the mails that the enrollment's forecast names."""
    with database.reading() as session:
        ahead = enrollment_forecast.next_actions(session, own(database), shell.state, now)
    return [one.detail["template"] for one in ahead if one.what == "send"]


def test_who_is_led_back_before_a_mail_is_not_sent_it_again_and_no_plan_says_so(
    database: Database, publish: Publish, take: Ingest, noon: datetime
) -> None:
    publish("welcome", WELCOME.replace("{send: mail_b}", "{send: mail_b}, {wait: 9 days, id: last}, {send: mail_c}"))
    (shell,) = joined(database, take, "ann")
    shell.wake(noon)
    shell.wake(noon + TWO_DAYS)
    shorter = WELCOME.replace("2 days", "1 day").replace("{send: mail_b}", "{send: mail_b}, {send: mail_c, id: end}")
    back = {"steps": {"last": "new/wait:1 day"}}
    now = noon + TWO_DAYS + timedelta(hours=1)
    assert moved(database, shorter, now, publish, **back) == {"moves": 1}
    shell.wake(now)
    assert foreseen(database, shell, now) == ["mail_c"]
    shell.wake(now + timedelta(days=9))
    assert set(ledger(database)) == {"new/send:mail_a", "new/send:mail_b", "end"}


def test_a_forecast_names_no_mail_that_a_move_said_is_skipped(
    database: Database, publish: Publish, take: Ingest, noon: datetime
) -> None:
    publish("welcome", WELCOME)
    (shell,) = joined(database, take, "ann")
    shell.wake(noon)
    again = WELCOME.replace("{send: mail_b}", "{send: mail_a, id: again}, {send: mail_b}")
    assert moved(database, again, noon, publish) == {"mails_again": 1}
    shell.wake(noon)
    assert foreseen(database, shell, noon) == ["mail_b"]
    assert moved(database, again.replace("mail_c", "mail_c, id: thanks"), noon, publish) == {"stays": 1}


@pytest.mark.parametrize(
    ("edit", "mails"),
    [
        (("{send: mail_b}", "{id: later, send: mail_b}"), {"later": ("planned", None)}),
        ((", {send: mail_b}", ""), {}),
    ],
    ids=["its step has another id", "its step is gone"],
)
def test_a_mail_that_waited_for_its_hour_does_not_stay_behind(
    edit: tuple[str, str], mails: Any, database: Database, publish: Publish, take: Ingest, noon: datetime
) -> None:
    publish("welcome", MORNINGS)
    (shell,) = joined(database, take, "ann")
    shell.wake(noon)
    morning = noon + timedelta(hours=20)
    shell.wake(morning)
    shell.wake(morning + timedelta(hours=50))
    waiting, now = "new/send:mail_b", morning + timedelta(hours=51)
    assert ledger(database)[waiting] == ("deferred", "send_window")
    moved(database, MORNINGS.replace(*edit), now, publish)
    shell.wake(now)
    shell.wake(morning + timedelta(days=3))
    told = ledger(database)
    assert told.pop(waiting) == ("skipped", "other_version")
    assert told == {"new/send:mail_a": ("planned", None), **mails}
