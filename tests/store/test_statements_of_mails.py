"""As many statements for many as for few: mails are claimed, broadcasts planned and cancelled, reports and clicks taken."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session, select

from journeys.program.nodes import SendNode
from mail.message import Mail, Sender
from mail.providers.events import Feedback
from services.definitions import templates
from services.definitions.broadcast_definition import BroadcastIn
from services.definitions.journey_versions import journeys
from services.definitions.pausing import pauses
from services.feedback.returns import delivery_events, opens_and_clicks
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.sending_ledger import AttemptResult
from services.upkeep.clocks import broadcast_clock
from store.queries.mails import messages
from store.session import Database
from store.statuses import BroadcastStatus, MessageStatus
from store.tables.broadcasts import Broadcast
from store.tables.customers import Consent, Customer, Event, SegmentMember, Suppression
from store.tables.enrollments import Decision
from store.tables.messages import Message
from tests.conftest import Statements
from tests.store.bulk_shop import JOURNEY, SIZES, Ingest, asked_for, customers, identified, rows, work

SENDER = Sender(name="Shop", email="shop@example.com")


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
        made = [_mail(session, number % count, one.id, noon) for number, one in enumerate(customers(session))]
        messages.add(session, made)
        pauses.pause(session, "j0", noon)
    with statements(database, at_most=22), database.writing() as session:
        claimed = claiming.claim(session, "journey", "f", 2 * count, noon)
    assert sorted(one.campaign for one in claimed) == sorted(2 * [f"j{number}" for number in range(1, count)])
    assert [one.campaign for one in claimed[: count - 1]] == sorted({one.campaign for one in claimed}), "each in turn"


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
        for number, one in enumerate(customers(session)):
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


@SIZES
def test_a_broadcast_is_planned_and_cancelled(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    body = BroadcastIn.model_validate({"segment": "all", "template": "mail_a", "topic": "news"})
    with database.writing() as session:
        kept = {"body": body.model_dump(mode="json"), "created_at": noon, "updated_at": noon}
        session.add(Broadcast(key="spring", status=BroadcastStatus.PLANNING, **kept))
        session.add_all(SegmentMember(segment="all", customer_id=one.id, since=noon) for one in customers(session))
    with statements(database, at_most=30):
        planned = asked_for(database, broadcast_clock.PLAN, noon, broadcast="spring", **{"pass": "all"})
        assert work(database, planned, noon)["recipients"] == count
    with statements(database, at_most=26):
        work(database, asked_for(database, broadcast_clock.CANCEL, noon, broadcast="spring"), noon)
    assert len(rows(database, Message, Message.status == MessageStatus.SKIPPED)) == count


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


@SIZES
def test_mails_are_frozen_and_recorded(
    database: Database, take: Ingest, statements: Statements, noon: datetime, count: int
) -> None:
    take(*identified(count))
    names = mailed(database, noon, MessageStatus.PLANNED)
    with database.writing() as session:
        sending_ledger.take_over(session, "journey", "f", noon)
        messages.claim(session, names, "f", noon)
    mails = [
        (Mail(send_id=name, to="a@example.com", sender=SENDER, subject="s", html="h", text="t"), 1) for name in names
    ]
    with statements(database, at_most=8), database.writing() as session:
        assert sending_ledger.freeze(session, "journey", "f", mails, noon) == set(names)
    results = [AttemptResult(send_id=name, status=MessageStatus.ACCEPTED, provider="p") for name in names]
    with statements(database, at_most=9), database.writing() as session:
        sending_ledger.record(session, "f", results, noon, "p")
    assert {one.status for one in rows(database, Message)} == {MessageStatus.ACCEPTED}
