"""Sets, not rows: what many rows are done to costs as many statements as what few are done to."""

import json
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, col, select

from activities.operations import KINDS
from journeys.program.nodes import SendNode
from mail.providers.events import Feedback
from services.definitions import journeys, templates, topics
from services.definitions.broadcast_definition import BroadcastIn
from services.enrollments import schedules
from services.enrollments.customer_events import Listeners
from services.feedback import delivery_events, opens_and_clicks
from services.ingestion.ingest import IngestResult
from services.messages import claiming, sending_ledger
from services.operations import operations, uploads
from services.upkeep import broadcast_clock, upkeep
from store.queries import messages
from store.session import Database
from store.statuses import BroadcastStatus, MessageStatus
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast, BroadcastMember
from store.tables.customers import Consent, Customer, Event, Segment, SegmentMember, Suppression
from store.tables.definitions import Topic
from store.tables.enrollments import ControlRequest, Decision, Dispatch, Enrollment
from store.tables.messages import Message
from tests.conftest import Statements

Ingest = Callable[..., IngestResult]

FEW, MANY = 10, 90
SIZES = pytest.mark.parametrize("count", [FEW, MANY])

JOURNEY = """
journey: {key}
enter: {enter}
start: new
stages: {{new: {{steps: [{{send: {{template: mail_a, topic: news}}}}, {{wait: 9 days}}]}}}}
"""
TRIGGERS = {
    "on_identify": "[{on: Identify, when: 'customer.plan == \"pro\"'}]",
    "on_join": "[{segment: pros}]",
    "on_date": "[{date: customer.ends}]",
    "on_order": "[{on: Order}]",
}


@pytest.fixture
def shop(database: Database, publish: Callable[[str, str], None], noon: datetime) -> None:
    """Everybody listens: two segments, and journeys that begin by event, segment and date."""
    with database.writing() as session:
        session.merge(Segment(key="pros", guard="customer.plan == 'pro'", created_at=noon, updated_at=noon))
        guard = "'pros' in customer.segments"
        session.merge(Segment(key="quick", guard=guard, created_at=noon, updated_at=noon))
        session.add(Topic(key="club", consent="double_opt_in", created_at=noon, updated_at=noon))
    for key, enter in TRIGGERS.items():
        publish(key, JOURNEY.format(key=key, enter=enter))


def identified(count: int, **traits: Any) -> list[dict[str, Any]]:
    return [
        {
            "type": "identify",
            "userId": f"u{number}",
            "traits": {"email": f"u{number}@example.com", "plan": "pro", "ends": "2026-06-01", **traits},
        }
        for number in range(count)
    ]


def rows(database: Database, table: Any, *where: Any) -> list[Any]:
    with database.reading() as session:
        return list(session.exec(select(table).where(*where)).all())


def asked_for(database: Database, what: str, noon: datetime, file: str = "", **request: Any) -> Operation:
    """Work that somebody asked for; with a file."""
    with database.writing() as session:
        operation = operations.start(session, what, {"format": "csv", **request}, noon)
        uploads.keep(session, operation.id, 0, file.encode())
    return operation


def work(database: Database, operation: Operation, noon: datetime) -> dict[str, Any]:
    """Do all of it, page by page, and return what is reported."""
    for page in KINDS[operation.kind](database, operation, lambda: noon):
        if database.write(lambda session, page=page: operations.advance(session, operation.id, page)) is None:
            break
    with database.reading() as session:
        found = operations.get(session, operation.id)
        assert found.error_count == 0
        return found.result or {}


def csv(header: str, lines: Sequence[str]) -> str:
    return "\n".join([header, *lines]) + "\n"


# -- events and imports ------------------------------------------------------------------------------------------------


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_batch_that_everybody_listens_to(
    database: Database, take: Ingest, statements: Statements, count: int
) -> None:
    with statements(database, at_most=45):
        outcome = take(*identified(count))
    assert (outcome.accepted, len(outcome.enrolled)) == (count, 2 * count)
    assert len(rows(database, SegmentMember)) == 2 * count
    with statements(database, at_most=45):
        take(*identified(count, plan="free"))
    assert rows(database, SegmentMember) == []


@SIZES
def test_a_batch_about_new_customers_to_whom_nobody_listens(
    database: Database, take: Ingest, statements: Statements, count: int
) -> None:
    with statements(database, at_most=11):
        take(*identified(count))
    assert len(rows(database, Customer)) == count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_customers(database: Database, statements: Statements, noon: datetime, count: int) -> None:
    lines = [f"u{number},u{number}@example.com,pro" for number in range(count)]
    operation = asked_for(database, "import customers", noon, csv("userId,email,plan", lines), kind="customers")
    with statements(database, at_most=56):
        assert work(database, operation, noon) == {"taken": count, "repeated": 0}
    assert len(rows(database, Enrollment)) == 2 * count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_consents(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    lines = [f"u{number},{topic},yes" for number in range(count) for topic in ("news", "club")]
    operation = asked_for(database, "import consents", noon, csv("userId,topic,granted", lines), kind="consents")
    with statements(database, at_most=30):
        assert work(database, operation, noon) == {"taken": 2 * count, "repeated": 0}
    assert len(rows(database, Consent, col(Consent.pending))) == count


@SIZES
@pytest.mark.usefixtures("shop")
def test_an_import_of_enrollments(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free"))
    lines = [f"u{number},X{number}" for number in range(count)]
    request = {"kind": "enrollments", "journey": "on_order"}
    operation = asked_for(database, "import enrollments", noon, csv("userId,voucher", lines), **request)
    with statements(database, at_most=30):
        assert work(database, operation, noon) == {"taken": count, "repeated": 0}
    assert len(rows(database, Enrollment)) == count


@SIZES
def test_an_import_of_recipients(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    lines = [f"u{number}" for number in (*range(count), 0)]
    request = {"kind": "recipients", "broadcast": "spring"}
    operation = asked_for(database, "import recipients", noon, csv("userId", lines), **request)
    with statements(database, at_most=22):
        assert work(database, operation, noon) == {"taken": count, "repeated": 1}
    assert len(rows(database, BroadcastMember)) == count


@SIZES
@pytest.mark.usefixtures("shop")
@pytest.mark.parametrize("known", [True, False], ids=["of known customers", "of new ones"])
def test_an_import_of_events(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int, known: bool
) -> None:
    if known:
        take(*identified(count))
    events = [
        {
            "type": "track",
            "userId": f"u{number}",
            "event": "Order",
            "messageId": f"m{number}",
            "timestamp": "2026-03-01",
        }
        for number in range(count)
    ]
    file = "\n".join(json.dumps(one) for one in events)
    request = {"kind": "events", "journey": "on_order", "format": "ndjson"}
    operation = asked_for(database, "import events", noon, file, **request)
    with statements(database, at_most=55):
        assert work(database, operation, noon)["enrolled"] == count
    assert len(rows(database, Enrollment, Enrollment.journey == "on_order")) == count


# -- bulk entry, segments, dates ---------------------------------------------------------------------------------------


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_segment_is_enrolled(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    operation = asked_for(database, "enroll", noon, journey="on_order", segment="pros")
    with statements(database, at_most=24):
        assert work(database, operation, noon) == {"enrolled": count, "refused": 0}
    again = asked_for(database, "enroll", noon, journey="on_order", segment="pros")
    with statements(database, at_most=24):
        assert work(database, again, noon) == {"enrolled": 0, "refused": count}


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_segment_whose_guard_is_new_looks_at_everybody(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free"))
    with database.writing() as session:
        session.merge(Segment(key="pros", guard="customer.plan == 'free'", created_at=noon, updated_at=noon))
        upkeep.reevaluate_everybody(session, Listeners.load(session), noon)
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


# -- what comes back ---------------------------------------------------------------------------------------------------

KINDS_TOLD = ("delivered", "opened", "clicked", "bounced", "unsubscribed", "complained")


def mailed(
    database: Database, noon: datetime, status: MessageStatus = MessageStatus.ACCEPTED, **step: str
) -> list[str]:
    """A mail to each customer."""
    names = [(f"m-{one.external_id}", one.id) for one in rows(database, Customer)]
    mail = {"template": "mail_a", "topic": "news", "lane": "journey", "journey": "on_order", "status": status, **step}
    with database.writing() as session:
        made = [messages.row(name, who, **mail, due=noon, now=noon, not_before=noon) for name, who in names]
        messages.add(session, made)
        for one in session.exec(select(Message)).all():
            one.accepted_at = noon if status == MessageStatus.ACCEPTED else None
    return [name for name, _ in names]


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_webhook_of_many_reports(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free"))
    reports = [
        Feedback(send_id=name, kind=kind, at=noon + timedelta(seconds=at), name=f"{name}-{kind}")
        for name in mailed(database, noon)
        for at, kind in enumerate(KINDS_TOLD)
    ]
    with statements(database, at_most=58):
        taken = database.write(lambda session: delivery_events.take(session, reports, "p", noon))
    assert (taken.taken, taken.repeated) == (len(KINDS_TOLD) * count, 0)
    assert len(rows(database, Suppression)) == count
    assert len(rows(database, Consent)) == count
    assert len(rows(database, Event, Event.name == "Message Unsubscribed")) == count


@SIZES
def test_clicks_are_judged(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    for name in mailed(database, noon - timedelta(hours=1)):
        with database.writing() as session:
            click = opens_and_clicks.click_of(session, name, "https://shop.example/", "Mozilla/5.0 (X11)", False, noon)
            session.add(click)
    later = noon + timedelta(minutes=1)
    with statements(database, at_most=24), database.writing() as session:
        assert opens_and_clicks.judge_due(session, later) == count
    assert len(rows(database, Event, Event.name == "Message Clicked")) == count


# -- claiming ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [3, 40])
def test_a_claim_over_many_journeys(
    database: Database,
    take: Ingest,
    publish: Callable[[str, str], None],
    statements: Statements,
    noon: datetime,
    count: int,
) -> None:
    take(*identified(2 * count))
    texts = templates.Texts(subject="Hello", html="<p>Hello</p>", text="Hello")
    with database.writing() as session:
        templates.put(session, "mail_a", texts, {}, noon)
        sending_ledger.take_over(session, "journey", "f", noon)
    for number in range(count):
        publish(f"j{number}", JOURNEY.format(key=f"j{number}", enter="[{on: Order}]"))
    with database.writing() as session:
        made = [_mail(session, number % count, one.id, noon) for number, one in enumerate(_people(session))]
        messages.add(session, made)
        journeys.pause(session, "j0", noon)
    with statements(database, at_most=22), database.writing() as session:
        claimed = claiming.claim(session, "journey", "f", 2 * count, noon)
    assert sorted(one.campaign for one in claimed) == sorted(2 * [f"j{number}" for number in range(1, count)])
    assert [one.campaign for one in claimed[: count - 1]] == sorted({one.campaign for one in claimed}), "each in turn"


def _people(session: Session) -> Sequence[Customer]:
    return session.exec(select(Customer).order_by(col(Customer.id))).all()


def _mail(session: Session, journey: int, customer_id: str, noon: datetime) -> dict[str, Any]:
    version, program = journeys.live(session, f"j{journey}")
    step = next(key for key, node in program.nodes.items() if isinstance(node, SendNode))
    about = {"journey": version.journey, "digest": version.digest, "stage": "new", "step": step, "visit": 1}
    mail = {"template": "mail_a", "topic": "news", "lane": "journey", **about}
    return messages.row(f"{version.journey}-{customer_id}", customer_id, **mail, due=noon, now=noon, not_before=noon)


@pytest.mark.parametrize("count", [3, 40])
def test_a_claim_over_many_broadcasts_each_with_a_rate(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(2 * count))
    body = BroadcastIn.model_validate({"segment": "all", "template": "mail_a", "topic": "news", "rate": "1/second"})
    mail = {"template": "mail_a", "topic": "news", "lane": "broadcast", "due": noon, "now": noon, "not_before": noon}
    with database.writing() as session:
        sending_ledger.take_over(session, "broadcast", "f", noon)
        for number in range(count):
            kept = {"body": body.model_dump(mode="json"), "created_at": noon, "updated_at": noon}
            session.add(Broadcast(key=f"b{number}", status=BroadcastStatus.SENDING, **kept))
        for number, one in enumerate(_people(session)):
            broadcast = f"b{number % count}"
            messages.add(session, [messages.row(f"{broadcast}-{one.id}", one.id, **mail, broadcast=broadcast)])
    with statements(database, at_most=24), database.writing() as session:
        claimed = claiming.claim(session, "broadcast", "f", 2 * count, noon)
    assert sorted(one.campaign for one in claimed) == sorted(f"b{number}" for number in range(count))


@SIZES
@pytest.mark.usefixtures("shop")
def test_a_claim_of_what_may_not_go(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count, plan="free", email=None))
    with database.reading() as session:
        version, program = journeys.live(session, "on_order")
    step = next(key for key, node in program.nodes.items() if isinstance(node, SendNode))
    mailed(database, noon, MessageStatus.PLANNED, digest=version.digest, step=step, stage="new")
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", noon)
    with statements(database, at_most=22), database.writing() as session:
        assert claiming.claim(session, "journey", "f", count, noon) == []
    assert len(rows(database, Decision, Decision.what == "skipped")) == count


# -- a marketer's hand, and the right to be forgotten ------------------------------------------------------------------


@SIZES
def test_a_broadcast_is_planned_and_cancelled(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    body = BroadcastIn.model_validate({"segment": "all", "template": "mail_a", "topic": "news"})
    with database.writing() as session:
        kept = {"body": body.model_dump(mode="json"), "created_at": noon, "updated_at": noon}
        session.add(Broadcast(key="spring", status=BroadcastStatus.PLANNING, **kept))
        session.add_all(SegmentMember(segment="all", customer_id=one.id, since=noon) for one in _people(session))
    with statements(database, at_most=30):
        planned = asked_for(database, broadcast_clock.PLAN, noon, broadcast="spring", **{"pass": "all"})
        assert work(database, planned, noon)["recipients"] == count
    with statements(database, at_most=26):
        work(database, asked_for(database, broadcast_clock.CANCEL, noon, broadcast="spring"), noon)
    assert len(rows(database, Message, Message.status == MessageStatus.SKIPPED)) == count


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
    with statements(database, at_most=140):
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
    count: int,
) -> None:
    publish("on_order", JOURNEY.format(key="on_order", enter=TRIGGERS["on_order"]))
    take(*[{"type": "track", "userId": f"u{number}", "event": "Order"} for number in range(count)])
    with statements(database, at_most=30):
        database.write(lambda session: journeys.pause(session, "on_order", noon))
        database.write(lambda session: topics.pause(session, "news", noon))
        database.write(lambda session: journeys.archive(session, "on_order", noon))
    operation = asked_for(database, "leave", noon, journey="on_order", reason="archived")
    with statements(database, at_most=24):
        work(database, operation, noon)
    assert len(rows(database, Dispatch, Dispatch.kind == "poke")) == count
    assert {(one.verb, one.reason) for one in rows(database, ControlRequest)} == {("exit", "archived")}
