"""At one instant what a wake decided comes before what became of it, on either database; the newest are those read."""

from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlmodel import Session, select

from services.messages.waiting import held_by_hours
from store.queries.enrollment import decisions
from store.queries.listing import timeline
from store.session import Database
from store.statuses import MessageStatus
from store.tables.messages import Message
from tests.shells import Shell
from tests.store.one_enrollment import own

pytestmark = pytest.mark.usefixtures("welcome")

Told = Callable[..., None]


@pytest.fixture
def mail(database: Database, shell: Shell, noon: datetime) -> str:
    """A mail that the enrollment has planned in its first wake."""
    shell.wake(noon)
    with database.reading() as session:
        return session.exec(select(Message)).one().id


@pytest.fixture
def told(database: Database, mail: str) -> Told:
    """Put on record of the mail what is asked for, with numbers or without."""

    def run(*those: tuple[str, datetime, int | None]) -> None:
        with database.writing() as session:
            message = session.get_one(Message, mail)
            detail = {"message": mail, "reason": "quiet_hours"}
            rows = [decisions.about(message, what, detail, at) | {"number": number} for what, at, number in those]
            decisions.add(session, rows)

    return run


def heard(session: Session, mail: str, most: int) -> list[str]:
    return [one.what for one in decisions.of_message(session, session.get_one(Message, mail), most)]


def test_what_carries_no_number_comes_behind_what_does(
    database: Database, mail: str, told: Told, noon: datetime
) -> None:
    later = noon + timedelta(hours=1)
    told(("deferred", later, None), ("planned", later, 901), ("tried", later, 900))
    with database.reading() as session:
        assert heard(session, mail, 3) == ["tried", "planned", "deferred"]
        run, customer = own(database).id, own(database).customer_id
        for found in (decisions.last_of(session, run, 3), decisions.last_of_customer(session, customer, 3)):
            assert [one.what for one in found] == ["tried", "planned", "deferred"]
        newest, _ = timeline.page(session, customer, None, 3)
        assert [getattr(one, "what", None) for one in newest] == ["deferred", "planned", "tried"]


def test_of_a_mail_that_was_put_off_for_years_the_newest_are_read(
    database: Database, mail: str, told: Told, noon: datetime
) -> None:
    told(*(("deferred", noon + timedelta(days=day), None) for day in range(1, held_by_hours.MOST + 2)))
    last = noon + timedelta(days=held_by_hours.MOST + 2)
    told(("failed", last, None))
    with database.writing() as session:
        message = session.get_one(Message, mail)
        message.status, message.not_before = MessageStatus.PLANNED, last + timedelta(hours=1)
        assert heard(session, mail, 2) == ["deferred", "failed"]
        assert held_by_hours.reason(session, message, last) is None
