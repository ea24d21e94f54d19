"""What came back of mails is counted, and the counts are compared with the mails and what was reported of them."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import Session, select

from mail.providers.events import Feedback
from services.attribution import mail_outcomes
from services.feedback.returns import delivery_events, mail_returns
from services.jobs import erasure
from services.messages.sending import sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from services.reconciliation.counts import returned_counts
from store.queries.figures.message_counts import ARRIVED
from store.queries.mails import message_bodies, messages
from store.session import Database
from store.statuses import MessageStatus
from store.tables.customers import Customer
from store.tables.definitions import Journey
from store.tables.messages import Message
from tests.conftest import Statements
from tests.store.reconciled import differences, reconciled

HOUR = timedelta(hours=1)
MAILS: dict[str, dict[str, Any]] = {
    "j1": {"journey": "j", "topic": "news", "stage": "s", "step": "s/send:t#1"},
    "j2": {"journey": "j", "topic": "tips", "stage": "s", "step": "s/send:t#1"},
    "k1": {"journey": "k", "topic": "news"},
    "b1": {"broadcast": "spring", "variant": "short", "topic": "news"},
}
REPORTS = {
    "j1": (("delivered", False), ("opened", True), ("opened", False), ("clicked", False), ("unsubscribed", False)),
    "j2": (("clicked", False), ("bounced", False)),
    "k1": (("opened", True), ("bounced", False)),
    "b1": (("delivered", False), ("complained", False)),
}


@pytest.fixture
def returned(database: Database, noon: datetime) -> datetime:
    """Four mails went and were reported of; one led to a goal, and one recipient left by the link of the mail."""
    with database.writing() as session:
        for key in ("j", "k"):
            session.add(Journey(key=key, created_at=noon, updated_at=noon))
        for name in MAILS:
            session.add(Customer(id=f"cus_{name}", email=f"{name}@shop.example", created_at=noon, updated_at=noon))
        session.flush()
        rows = [
            messages.row(name, f"cus_{name}", template="t", lane="journey", due=noon, now=noon, not_before=noon, **of)
            for name, of in MAILS.items()
        ]
        messages.add(session, rows)
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", noon)
        messages.claim(session, list(MAILS), "f", noon)
        messages.freeze(session, dict.fromkeys(MAILS, 1), "f", noon)
        said = {"subject": "s", "html": "h", "text": "t", "urls": []}
        message_bodies.keep(session, [{"message_id": one, "customer_id": f"cus_{one}", **said} for one in MAILS], noon)
        sent = [AttemptResult(send_id=one, status=MessageStatus.ACCEPTED, reason=None, provider="p") for one in MAILS]
        sending_ledger.record(session, "f", sent, noon)
    for name, reports in REPORTS.items():
        for number, (kind, machine) in enumerate(reports):
            told = Feedback(send_id=name, kind=kind, at=noon + number * HOUR, machine=machine)  # type: ignore[arg-type]
            database.write(lambda session, told=told: delivery_events.take(session, [told], "p", noon + 9 * HOUR))
    with database.writing() as session:
        mail_outcomes.reached_goal(session, _mail(session, "j1"), noon)
        mail_outcomes.unsubscribed(session, _mail(session, "j2"), noon)
    return noon + 10 * HOUR


def _mail(session: Session, name: str) -> Message:
    return session.exec(select(Message).where(Message.id == name)).one()


def _do(database: Database, statement: str) -> None:
    with database.engine.begin() as connection:
        connection.execute(text(statement))


def _counts(database: Database) -> list[Any]:
    return sorted(_each(database))


def _each(database: Database) -> Iterator[tuple[Any, ...]]:
    """Every kept count of what came back, over its shards; a count of nothing is none."""
    by = {"delivery_count": "subject, key, variant, day, what", "mail_result": "day, kind, what, currency"}
    with database.engine.connect() as connection:
        for table, names in by.items():
            query = f"SELECT {names}, sum(count) FROM {table} GROUP BY {names}"
            yield from ((table, *row) for row in connection.execute(text(query)) if row[-1])


def test_what_came_back_is_counted_as_it_is_told(database: Database, returned: datetime) -> None:
    assert reconciled(database, returned, repair=True) == {}
    whole = {(kind, what): count for table, day, kind, what, _, count in (
        one for one in _counts(database) if one[0] == "mail_result") if day == ""}  # fmt: skip
    by_what: dict[str, int] = {}
    for (_, what), count in whole.items():
        by_what[what] = by_what.get(what, 0) + count
    assert by_what == {
        "sent": 4, "delivered": 3, "opened": 2, "opened_by_machines": 2, "clicked": 2, "unsubscribed": 2, "complained": 1,
        "converted": 1,
    }  # fmt: skip


CAUSES = {
    "opens of a journey": ("return_count", "j", "UPDATE delivery_count SET count = count + 1 WHERE subject = 'journey' AND what = 'opened'"),
    "arrivals of a broadcast": ("return_count", "broadcast spring", "DELETE FROM delivery_count WHERE subject = 'broadcast' AND what = 'arrived'"),
    "clicks of a topic": ("return_count", "topic news", "DELETE FROM delivery_count WHERE subject = 'topic' AND key = 'news' AND what = 'clicked'"),
    "complaints of nobody": ("return_count", "gone", "INSERT INTO delivery_count (subject, key, variant, day, what, shard, count) VALUES ('journey', 'gone', '', '2026-03-02', 'complained', 0, 2)"),
    "mails that were sent": ("mail_result_count", "j", "UPDATE mail_result SET count = count - 1 WHERE what = 'sent' AND kind IN (SELECT id FROM mail_kind WHERE journey = 'j')"),
    "conversions": ("mail_result_count", "j", "DELETE FROM mail_result WHERE what = 'converted'"),
    "opens by machines of a month": ("mail_result_count", "k", "UPDATE mail_result SET count = 7 WHERE what = 'opened_by_machines' AND day = '2026-03' AND kind IN (SELECT id FROM mail_kind WHERE journey = 'k')"),
    "complaints about a broadcast": ("mail_result_count", "no journey", "DELETE FROM mail_result WHERE what = 'complained' AND length(day) = 10"),
}  # fmt: skip


@pytest.mark.parametrize("cause", CAUSES)
def test_a_count_that_is_not_what_the_reports_tell_is_found_and_set_right(
    database: Database, returned: datetime, cause: str
) -> None:
    kind, place, statement = CAUSES[cause]
    before = _counts(database)
    _do(database, statement)
    (found,) = differences(database, returned)
    assert (found["kind"], found["place"], found["repaired"]) == (kind, place, 0)
    assert _counts(database) != before, "a check changes nothing"
    (mended,) = differences(database, returned, repair=True)
    assert mended["repaired"] == mended["count"] == found["count"] > 0
    assert _counts(database) == before
    assert reconciled(database, returned, repair=True) == {}


def test_what_came_back_of_mails_whose_customers_were_erased_stays_counted(
    database: Database, returned: datetime
) -> None:
    before = _counts(database)
    for phase in erasure.ROWS.values():
        while database.write(lambda session, phase=phase: phase(session, "cus_j1", returned)):
            pass
    assert _counts(database) == before
    assert reconciled(database, returned, repair=True) == {}
    _do(database, "DELETE FROM mail_result WHERE what = 'clicked'")
    assert reconciled(database, returned, repair=True)["mail_result_count"][0] > 0, "what has rows is found still"
    assert reconciled(database, returned, repair=True) == {}


def test_a_result_is_told_on_the_days_of_its_own_zone_where_that_has_changed_since(
    database: Database, returned: datetime
) -> None:
    _do(database, "UPDATE mail_result SET day = '2026-03-01' WHERE day = '2026-03-02'")
    assert reconciled(database, returned) == {}, "another day, and as many"


def test_all_mails_are_read_at_once(database: Database, returned: datetime, statements: Statements) -> None:
    with database.reading() as session, statements(database, at_most=8):  # two of them begin the reading
        assert returned_counts.wrong_counts(session) == []


def test_leaving_by_the_link_and_by_the_provider_is_counted_once_a_mail(database: Database, returned: datetime) -> None:
    told = Feedback(send_id="j2", kind="unsubscribed", at=returned, machine=False)
    database.write(lambda session: delivery_events.take(session, [told], "p", returned))
    assert reconciled(database, returned) == {}


def test_what_has_arrived_ranks_behind_its_delivery() -> None:
    rank = mail_returns.RANK
    assert set(ARRIVED) == {one for one, at in rank.items() if at >= rank["delivered"]}
