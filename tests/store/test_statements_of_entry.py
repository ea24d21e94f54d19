"""As many statements for many as for few: who enters by segment, date and schedule, who leaves, merges and is erased."""

from collections.abc import Callable
from datetime import datetime

import pytest

from services.definitions import topics
from services.definitions.journey_versions import journeys
from services.definitions.pausing import pauses
from services.enrollments.entering import customer_events, schedules
from services.enrollments.entering.customer_events import Listeners
from services.upkeep import upkeep
from store.queries.mails import messages
from store.session import Database
from store.tables.customers import Customer, Event, Segment, SegmentMember
from store.tables.enrollments import ControlRequest, Dispatch, Enrollment
from store.tables.messages import Message
from tests.conftest import Statements
from tests.store.bulk_shop import JOURNEY, SIZES, TRIGGERS, Done, Ingest, asked_for, identified, rows, work


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_segment_is_enrolled(take: Ingest, done: Done, count: int) -> None:
    take(*identified(count))
    assert done("enroll", journey="on_order", segment="pros", at_most=24) == {"enrolled": count, "refused": 0}
    assert done("enroll", journey="on_order", segment="pros", at_most=24) == {"enrolled": 0, "refused": count}


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_segment_whose_guard_is_new_looks_at_everybody(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free"))
    with database.writing() as session:
        session.merge(Segment(key="pros", guard="customer.plan == 'free'", created_at=noon, updated_at=noon))
        customer_events.reevaluate_everybody(session, Listeners.load(session), noon)
    with statements(database, at_most=110), database.writing() as session:
        while upkeep.do(session, noon):
            pass
    assert len(rows(database, SegmentMember)) == 2 * count
    assert len(rows(database, Enrollment, Enrollment.journey == "on_join")) == count


@SIZES
@pytest.mark.usefixtures("shop")
def test_the_dates_of_many_come_at_once(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free"))
    day = datetime(2026, 6, 2, tzinfo=noon.tzinfo)
    with statements(database, at_most=28), database.writing() as session:
        assert upkeep.do(session, day) == count
    assert len(rows(database, Enrollment, Enrollment.journey == "on_date")) == count


@SIZES
def test_a_schedule_lets_the_members_of_its_segment_in(
    database: Database,
    take: Ingest,
    publish: Callable[[str, str], None],
    statements: Statements,
    noon: datetime,
    count: int,
) -> None:
    take(*identified(count))
    ids = [one.id for one in rows(database, Customer)]
    with database.writing() as session:
        session.add(Segment(key="all", guard="true", created_at=noon, updated_at=noon))
        session.add_all(SegmentMember(segment="all", customer_id=one, since=noon) for one in ids)
    enter = "[{schedule: {at: '09:00'}, segment: all, when: 'customer.email != \"u0@example.com\"'}]"
    publish("daily", JOURNEY.format(key="daily", enter=enter))
    with database.reading() as session:
        version, program = journeys.live(session, "daily")
    with statements(database, at_most=16), database.writing() as session:
        done = schedules.page(session, version.digest, program.schedules[0].name, "today", "", noon)
    assert done == (max(ids), count - 1)


@pytest.mark.usefixtures("shop")
@SIZES
def test_a_customer_with_a_long_history_is_erased(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(1))
    take(*[{"type": "track", "userId": "u0", "event": "Viewed"} for _ in range(count)])
    (customer,) = rows(database, Customer)
    mail = {"template": "mail_a", "topic": "news", "lane": "journey", "due": noon, "now": noon}
    with database.writing() as session:
        messages.add(session, [messages.row(f"m{number}", customer.id, **mail) for number in range(count)])
    with statements(database, at_most=144):  # one for the answers to notes, three for what they were worth to a variant
        work(database, asked_for(database, "erase", noon, customer=customer.id), noon)
    assert [rows(database, one) for one in (Customer, Event, Message, Enrollment)] == [[], [], [], []]


@SIZES
def test_two_profiles_with_long_histories_become_one(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    for name in ({"anonymousId": "a"}, {"userId": "ann"}):
        take(*[{"type": "track", "event": "Viewed", **name} for _ in range(count)])
    with statements(database, at_most=50):
        take({"type": "identify", "userId": "ann", "anonymousId": "a"})
    (customer,) = rows(database, Customer)
    assert customer.events["Viewed"]["count"] == 2 * count


@SIZES
def test_a_journey_is_left_by_everybody(
    database: Database,
    take: Ingest,
    publish: Callable[[str, str], None],
    statements: Statements,
    noon: datetime,
    done: Done,
    count: int,
) -> None:
    publish("on_order", JOURNEY.format(key="on_order", enter=TRIGGERS["on_order"]))
    take(*[{"type": "track", "userId": f"u{number}", "event": "Order"} for number in range(count)])
    with statements(database, at_most=30):
        database.write(lambda session: pauses.pause(session, "on_order", noon))
        database.write(lambda session: topics.pause(session, "news", noon))
        database.write(lambda session: journeys.archive(session, "on_order", noon))
    done("leave", journey="on_order", reason="archived", at_most=24)
    assert len(rows(database, Dispatch, Dispatch.kind == "poke")) == count
    assert {(one.verb, one.reason) for one in rows(database, ControlRequest)} == {("exit", "archived")}
