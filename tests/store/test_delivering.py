"""The lanes: one mail by one claim, policies asked again, what a lost owner leaves behind."""

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import select

from activities.delivery import lane as lanes_of_mail
from activities.delivery.lane import MailLane
from mail.brand import Brand
from mail.composing import Composer
from mail.message import Mail, Sender
from mail.providers.sender import (
    Accepted,
    Evidence,
    MailRefused,
    MaybeSent,
    MayGo,
    Misconfigured,
    NotSent,
    SendOutcome,
    Withheld,
    always,
)
from mail.rendering.renderer import Renderer
from mail.signed_links import Links
from services.errors import Fenced
from services.feedback.answers import unsubscribing
from services.messages.sending import claiming, sending_ledger
from services.messages.sending.mail_request import MailRequest
from store.session import Database
from store.statuses import MessageStatus
from store.tables.customers import Suppression
from store.tables.enrollments import Decision, Enrollment
from store.tables.messages import Channel, Message, MessageBody
from tests.shells import Shell

pytestmark = pytest.mark.usefixtures("welcome")


class Receiver:
    """A provider that counts what it accepted, and answers as it is told."""

    name = "receiver"
    at_once = 10
    longest = timedelta(seconds=30)

    def __init__(self) -> None:
        self.accepted: list[str] = []
        self.answers: list[SendOutcome] = []
        self.evidence: Evidence = "unknowable"

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        if not await may_go():
            return Withheld()
        answer = self.answers.pop(0) if self.answers else Accepted(provider_id="p1")
        if isinstance(answer, Accepted | MaybeSent):
            self.accepted.append(mail.send_id)
        return answer

    async def look_up(self, send_id: str) -> Evidence:
        return self.evidence

    async def close(self) -> None:
        return None


@pytest.fixture
def receiver() -> Receiver:
    return Receiver()


@pytest.fixture
def lane(
    database: Database, receiver: Receiver, template_folder: Any, clock: Any, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], MailLane]:
    """Opens the journey lane for a new owner, which waits for what it has claimed on a busy machine too."""
    monkeypatch.setattr(lanes_of_mail, "PATIENCE", 60.0)
    brand = Brand(name="Shop", sender=Sender(name="Shop", email="shop@example.com"), address="1 Street")

    def run() -> MailLane:
        renderer = Renderer([template_folder])
        composer = Composer(renderer, Links("secret", "http://x"), brand)
        made = MailLane("journey", database, composer, receiver, clock)
        made.take()
        return made

    return run


@pytest.fixture
def planned(database: Database, take: Callable[..., Any], noon: datetime) -> Callable[..., None]:
    """Enroll customers up to their first planned mail."""

    def run(*users: str, **traits: Any) -> None:
        for user in users:
            take(
                {
                    "type": "identify",
                    "userId": user,
                    "traits": {"email": f"{user}@example.com", "first_name": user, **traits},
                }
            )
            take({"type": "track", "userId": user, "event": "Signed Up"})
        with database.reading() as session:
            enrollments = session.exec(select(Enrollment)).all()
        for enrollment in enrollments:
            Shell(database, enrollment).wake(noon)

    return run


def ledger(database: Database) -> dict[str, tuple[str, str | None]]:
    """Status and reason per customer address."""
    with database.reading() as session:
        return {one.id: (one.status, one.reason) for one in session.exec(select(Message)).all()}


def frozen(database: Database, owner: MailLane, now: datetime) -> list[MailRequest]:
    """What is due, claimed and frozen by this owner, as if it were with the provider now."""
    sender = Sender(name="Shop", email="shop@example.com")
    with database.writing() as session:
        claimed = claiming.claim(session, "journey", owner.fence, 10, now)
        mails = [
            (Mail(send_id=one.send_id, to=one.to, sender=sender, subject="s", html="<p>h</p>", text="t"), one.attempt)
            for one in claimed
        ]
        assert len(sending_ledger.freeze(session, "journey", owner.fence, mails, now)) == len(claimed)
    return claimed


def outcome(database: Database) -> tuple[str, str | None]:
    (only,) = ledger(database).values()
    return only


async def test_a_planned_mail_is_sent_once_and_kept_as_it_was_rendered(
    database: Database, lane: Any, planned: Any, receiver: Receiver
) -> None:
    planned("ann")
    owner = lane()
    assert [await owner.pump() for _ in range(3)] == [1, 0, 0]
    with database.reading() as session:
        message, body = session.exec(select(Message)).one(), session.exec(select(MessageBody)).one()
    assert (message.status, message.provider_id) == ("accepted", "p1")
    assert receiver.accepted == [message.id] == [body.message_id]
    assert (body.customer_id, body.subject) == (message.customer_id, "mail_a for ann")
    assert "Hello ann" in (body.html or "")


def test_what_was_rendered_for_somebody_who_was_erased_meanwhile_is_not_kept(
    database: Database, lane: Any, noon: datetime
) -> None:
    shop = Sender(name="Shop", email="shop@example.com")
    mail = Mail(
        send_id="gone", to="ann@example.com", sender=shop, subject="Hi Ann", html="<p>Hi Ann</p>", text="Hi Ann"
    )
    owner = lane()
    with database.writing() as session:
        assert sending_ledger.freeze(session, "journey", owner.fence, [(mail, 1)], noon) == set()
    with database.reading() as session:
        assert session.exec(select(MessageBody)).all() == []


async def test_two_owners_at_once_send_each_mail_once(lane: Any, planned: Any, receiver: Receiver) -> None:
    planned(*[f"user{number}" for number in range(12)])
    first, second = lane(), lane()
    with pytest.raises(Fenced):
        await first.pump()
    await asyncio.gather(second.pump(), second.pump())
    while await second.pump():
        pass
    await second.drain()
    assert len(receiver.accepted) == len(set(receiver.accepted)) == 12


async def test_a_lost_owners_mail_waits_for_evidence_and_is_never_just_sent(
    database: Database, lane: Any, planned: Any, receiver: Receiver, clock: Any
) -> None:
    planned("ann")
    frozen(database, lane(), clock())
    heir = lane()
    assert outcome(database) == ("unknown", "worker_lost")
    await heir.seek_evidence()
    assert await heir.pump() == 0
    clock.forward(hours=1)
    await heir.seek_evidence()
    assert (outcome(database), receiver.accepted) == (("unknown", "worker_lost"), [])
    clock.forward(hours=24)
    await heir.seek_evidence()
    assert outcome(database) == ("parked", "parked")


@pytest.mark.parametrize(("evidence", "status", "sent"), [("accepted", "accepted", 0), ("absent", "accepted", 1)])
async def test_evidence_decides(
    database: Database,
    lane: Any,
    planned: Any,
    receiver: Receiver,
    clock: Any,
    evidence: Evidence,
    status: str,
    sent: int,
) -> None:
    planned("ann")
    frozen(database, lane(), clock())
    heir = lane()
    receiver.evidence = evidence
    clock.forward(minutes=5)
    await heir.seek_evidence()
    await heir.pump()
    await heir.drain()
    assert (outcome(database)[0], len(receiver.accepted)) == (status, sent)


async def test_a_zombies_late_answer_counts_as_evidence(
    database: Database, lane: Any, planned: Any, clock: Any
) -> None:
    planned("ann")
    zombie = lane()
    (claimed,) = frozen(database, zombie, clock())
    lane()
    with database.writing() as session:
        result = sending_ledger.AttemptResult(
            send_id=claimed.send_id, status=MessageStatus.ACCEPTED, provider="receiver"
        )
        sending_ledger.record(session, zombie.fence, [result], clock())
    assert outcome(database) == ("accepted", None)


async def test_no_answer_is_unknown_and_not_sent_again(
    database: Database, lane: Any, planned: Any, receiver: Receiver
) -> None:
    planned("ann")
    receiver.answers = [MaybeSent(explanation="ReadTimeout")]
    owner = lane()
    for _ in range(3):
        await owner.pump()
    assert (outcome(database), len(receiver.accepted)) == (("unknown", "no_answer"), 1)


async def test_a_busy_provider_gets_the_mail_later_and_the_lane_rests(
    database: Database, lane: Any, planned: Any, receiver: Receiver, clock: Any
) -> None:
    planned("ann")
    receiver.answers = [NotSent(wait=timedelta(seconds=30))]
    owner = lane()
    await owner.pump()
    assert (await owner.pump(), outcome(database)) == (0, ("planned", "provider_busy"))
    clock.forward(seconds=31)
    await owner.pump()
    assert (outcome(database), len(receiver.accepted)) == (("accepted", None), 1)


async def test_a_refused_mail_fails_with_its_reason(
    database: Database, lane: Any, planned: Any, receiver: Receiver
) -> None:
    planned("ann")
    receiver.answers = [MailRefused(explanation="SendGrid answered 400")]
    await lane().pump()
    assert outcome(database) == ("failed", "rejected")


@pytest.mark.parametrize(
    ("said", "status"),
    [
        (Accepted(provider_id="2.0.0 taken by gr\udcfcn\0"), "accepted"),
        (MailRefused(explanation="no such t\udce4ble\0"), "failed"),
    ],
    ids=["yes", "no"],
)
async def test_what_a_provider_says_in_letters_that_no_database_keeps_is_recorded_without_them(
    database: Database, lane: Any, planned: Any, receiver: Receiver, said: SendOutcome, status: str
) -> None:
    """An SMTP server that answers in Latin-1, say: its mail would be tried to record for ever."""
    planned("ann")
    receiver.answers = [said]
    owner = lane()
    await owner.pump()
    await owner.close()
    assert outcome(database)[0] == status


async def test_a_refused_key_raises_an_alarm_and_loses_nothing(
    database: Database, lane: Any, planned: Any, receiver: Receiver, clock: Any
) -> None:
    planned("ann")
    receiver.answers = [Misconfigured(explanation="SendGrid answered 401: the API key is refused")]
    owner = lane()
    await owner.pump()
    await owner.drain()
    with database.reading() as session:
        row = session.get(Channel, "receiver")
    assert row is not None
    assert row.alarm == "SendGrid answered 401: the API key is refused"
    assert outcome(database) == ("planned", "channel_misconfigured")
    clock.forward(minutes=2)
    await owner.pump()
    with database.reading() as session:
        assert getattr(session.get(Channel, "receiver"), "alarm", "") is None
    assert outcome(database) == ("accepted", None)


async def test_suppression_and_unsubscribing_are_asked_again_when_claimed(
    database: Database, lane: Any, planned: Any, receiver: Receiver, noon: datetime
) -> None:
    """Fault 17: between the schedule and the send."""
    planned("ann", "bob", "cyd")
    with database.writing() as session:
        session.add(Suppression(email="ann@example.com", reason="bounce", source="test", created_at=noon))
        bob = session.exec(select(Enrollment)).all()[1].customer_id
        unsubscribing.unsubscribe(session, bob, "news", "test", noon)
    await lane().pump()
    assert sorted(ledger(database).values(), key=str) == [
        ("accepted", None), ("skipped", "suppressed"), ("skipped", "unsubscribed"),
    ]  # fmt: skip
    assert len(receiver.accepted) == 1


async def test_a_template_that_fails_for_one_customer_fails_alone(
    database: Database, lane: Any, planned: Any, receiver: Receiver, template_folder: Any
) -> None:
    planned("ann", "bob")
    (template_folder / "mail_a.html").write_text(
        "{% extends '_layout.html' %}{% block subject %}x{% endblock %}"
        "{% block body %}{{ customer.age if customer.first_name == 'ann' else 'fine' }}{% endblock %}"
    )
    await lane().pump()
    assert sorted(ledger(database).values(), key=str) == [("accepted", None), ("failed", "template_failed")]
    with database.reading() as session:
        explained = [one.detail["explanation"] for one in session.exec(select(Decision)).all() if one.what == "failed"]
    assert explained[0].startswith("mail_a: UndefinedError: 'dict object' has no attribute 'age'")


async def test_a_line_break_in_a_name_never_reaches_a_header(
    database: Database, lane: Any, planned: Any, receiver: Receiver
) -> None:
    planned("ann", first_name="Ann\r\nBcc: everybody@example.com")
    await lane().pump()
    with database.reading() as session:
        body = session.exec(select(MessageBody)).one()
    assert body.subject == "mail_a for Ann Bcc: everybody@example.com"


async def test_a_paused_enrollments_mail_is_held(
    database: Database, lane: Any, planned: Any, receiver: Receiver
) -> None:
    planned("ann")
    with database.writing() as session:
        session.exec(select(Enrollment)).one().paused = True
    owner = lane()
    assert await owner.pump() == 0
    with database.writing() as session:
        session.exec(select(Enrollment)).one().paused = False
    assert await owner.pump() == 1


async def test_every_attempt_is_on_record(
    database: Database, lane: Any, planned: Any, receiver: Receiver, clock: Any
) -> None:
    planned("ann")
    receiver.answers = [NotSent(wait=timedelta(seconds=1))]
    owner = lane()
    await owner.pump()
    clock.forward(seconds=2)
    await owner.pump()
    with database.reading() as session:
        decisions = session.exec(select(Decision).where(Decision.number == None)).all()  # noqa: E711
    assert [(one.what, one.detail.get("reason")) for one in sorted(decisions, key=lambda one: one.id)] == [
        ("retried", "provider_busy"), ("accepted", None),
    ]  # fmt: skip
