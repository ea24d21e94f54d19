"""SendGrid, on a fake that reads each request by the documented rules: faults 9 to 12, and what we never send."""

import json
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, cast

import httpx
import pytest
from fastapi.testclient import TestClient
from sqlmodel import col, select

from activities.delivery.call_slots import CallSlots
from activities.delivery.lane import PATIENCE, MailLane
from mail.composing import Composer
from mail.message import Mail, Sender
from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured
from mail.providers.sendgrid.sender import SendGridSender, request_body
from services.messages.sending.mail_request import MailRequest
from store.tables.enrollments import Decision
from store.tables.messages import Channel, Message
from tests.conftest import settings_for
from tests.mail.one_lane import LANE, plan_mails
from tests.sendgrid import FakeSendGrid, cut, faults_of, hang, status
from waypost.processes.api import build
from waypost.wiring import Parts

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Grüße 👋",
    html="<p>Hello</p>",
    text="Hello\n",
    headers={"List-Unsubscribe": "<http://x/u/token>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
    reply_to="answers@example.com",
)


@pytest.fixture
def sendgrid() -> Iterator[FakeSendGrid]:
    made = FakeSendGrid()
    yield made
    made.close()


@pytest.fixture
async def sender(sendgrid: FakeSendGrid) -> AsyncIterator[Callable[..., SendGridSender]]:
    """Senders that are less patient than in production."""
    opened: list[SendGridSender] = []

    def run(key: str = sendgrid.key, **more: Any) -> SendGridSender:
        made = SendGridSender(key, sendgrid.url, **more)
        made._client.timeout = httpx.Timeout(5.0, read=1.0)
        opened.append(made)
        return made

    yield run
    for one in opened:
        await one.close()


# -- one request -------------------------------------------------------------------------------------------------------


async def test_what_we_send_keeps_every_rule(sendgrid: FakeSendGrid, sender: Any) -> None:
    outcome = await sender().send(MAIL)
    assert isinstance(outcome, Accepted), sendgrid.refused
    (kept,) = sendgrid.mails
    assert outcome.provider_id == kept["message_id"]
    assert kept["custom_args"] == {"send_id": MAIL.send_id}
    assert kept["tracking_settings"]["click_tracking"] == {"enable": False, "enable_text": False}
    assert kept["reply_to"] == {"email": "answers@example.com"}
    assert "ann" not in json.dumps({name: value for name, value in kept.items() if name != "personalizations"})


def test_the_fake_is_as_strict_as_the_documentation() -> None:
    good = request_body(MAIL)
    assert list(faults_of(good, 0)) == []
    bad: dict[str, dict[str, Any]] = {
        "personalizations": {"personalizations": []},
        "personalizations.0.to.0.email": {"personalizations": [{"to": [{"email": "x"}]}]},
        "personalizations.0.to.0.name": {"personalizations": [{"to": [{"email": "a@b.co", "name": "A, B"}]}]},
        "personalizations.0.to.1.email": {"personalizations": [{"to": [{"email": "a@b.co"}, {"email": "A@b.co"}]}]},
        "from.email": {"from": {}},
        "subject": {"subject": ""},
        "content": {"content": list(reversed(good["content"]))},
        "headers.Reply-To": {"headers": {"Reply-To": "x"}},
        "headers.X-A": {"headers": {"X-A": "a\r\nBcc: b"}},
        "custom_args": {"custom_args": {"x": "y" * 10_001}},
        "categories": {"categories": ["x"] * 2},
        "send_at": {"send_at": 72 * 3_600 + 10},
        "surprise": {"surprise": 1},
    }
    for field, change in bad.items():
        assert [one.field for one in faults_of(good | change, 0)] == [field]


async def test_a_refused_request_says_which_field_and_no_address(sendgrid: FakeSendGrid, sender: Any) -> None:
    outcome = await sender().send(replace(MAIL, to="jörg@example.com"))
    assert outcome == MailRefused(
        explanation="SendGrid answered 400: personalizations.0.to.0.email does not contain a valid address"
    )


async def test_a_name_of_a_site_is_sent_in_ascii(sendgrid: FakeSendGrid, sender: Any) -> None:
    assert isinstance(await sender().send(replace(MAIL, to="ann@bücher.example")), Accepted)
    assert sendgrid.to() == ["ann@xn--bcher-kva.example"]


async def test_a_lost_answer_is_looked_up_where_the_account_has_a_log(sendgrid: FakeSendGrid, sender: Any) -> None:
    sendgrid.faults = [cut(accepted=True), cut(accepted=False)]
    assert isinstance(await sender().send(MAIL), MaybeSent)
    assert await sender().look_up(MAIL.send_id) == "unknowable", "nobody said that there is a log"
    assert await sender(log=True).look_up(MAIL.send_id) == "unknowable", "the account has none"
    sendgrid.log = True
    assert await sender(log=True).look_up(MAIL.send_id) == "accepted"
    assert await sender(log=True).look_up("never-sent") == "unknowable", "a log that is late proves nothing"


async def test_the_key_stands_in_no_outcome(sendgrid: FakeSendGrid, sender: Any) -> None:
    outcome = await sender("SG.revoked").send(MAIL)
    assert outcome == Misconfigured(explanation="SendGrid answered 401: the API key is refused")


# -- the lane on it ----------------------------------------------------------------------------------------------------

JOURNEY = (
    "journey: welcome\nenter: [{on: Signed Up}]\nstart: new\nstages: {new: {steps: [{send: mail_a}], final: true}}"
)
PEOPLE = 12


class Installation:
    """An installation that sends by the fake, its lane pumped by hand."""

    def __init__(self, parts: Parts, lane: MailLane, clock: Any) -> None:
        self.parts, self.lane, self.clock = parts, lane, clock

    async def pump(self, **later: float) -> None:
        if later:
            self.clock.forward(**later)
        while await self.lane.pump():
            await self.lane.drain()
        await self.lane.drain()

    def ledger(self) -> dict[str, int]:
        with self.parts.database.reading() as session:
            found: dict[str, int] = {}
            for one in session.exec(select(Message)).all():
                name = f"{one.status} {one.reason}" if one.reason else one.status
                found[name] = found.get(name, 0) + 1
            return found

    def channel(self) -> Channel | None:
        with self.parts.database.reading() as session:
            return session.get(Channel, "sendgrid")


@pytest.fixture
def installation(parts: Parts, sendgrid: FakeSendGrid, sender: Any, clock: Any, noon: datetime) -> Installation:
    """Mails to twelve people are planned."""
    with parts.database.writing() as session:
        plan_mails(session, PEOPLE, noon)
    lane = MailLane(LANE, parts.database, Composer(parts.renderer, parts.links, parts.brand), sender(), clock)
    lane.take()
    return Installation(parts, lane, clock)


async def test_mail_goes_once_to_each(installation: Installation, sendgrid: FakeSendGrid) -> None:
    await installation.pump()
    assert installation.ledger() == {"accepted": PEOPLE}
    assert sorted(sendgrid.to()) == [f"u{number:02}@example.com" for number in range(PEOPLE)]
    assert sendgrid.refused == []


@pytest.mark.parametrize("headers", [{}, {"Retry-After": "30"}])
async def test_a_storm_of_429_sends_nothing_twice_and_loses_nothing(
    installation: Installation, sendgrid: FakeSendGrid, headers: dict[str, str]
) -> None:
    """Fault 9."""
    sendgrid.faults = [status(429, headers)] * 40
    await installation.pump()
    asked = sendgrid.requests
    await installation.pump()
    assert sendgrid.requests == asked, "the lane waits as long as it was told"
    for _ in range(30):
        await installation.pump(minutes=1)
    assert installation.ledger() == {"accepted": PEOPLE}
    assert sorted(set(sendgrid.send_ids())) == sorted(sendgrid.send_ids())
    channel = installation.channel()
    assert channel is not None
    assert channel.alarm is None, "a provider that asks for time is well"


async def test_a_5xx_after_acceptance_is_never_sent_again(installation: Installation, sendgrid: FakeSendGrid) -> None:
    """Fault 10: nobody can tell; what the provider reports afterwards proves that it went."""
    sendgrid.faults = [status(503, accepted=True)]
    for _ in range(10):
        await installation.pump(minutes=1)
        await installation.lane.seek_evidence()
    assert installation.ledger() == {"accepted": PEOPLE - 1, "unknown no_answer": 1}
    assert len(sendgrid.send_ids()) == len(set(sendgrid.send_ids())) == PEOPLE
    parts = installation.parts
    parts.settings = settings_for(parts.settings.home, sendgrid_webhook_key=sendgrid.verification_key)
    parts.__dict__.pop("event_readers", None)
    body, signed = sendgrid.signed(sendgrid.events(["processed", "delivered"], installation.clock().timestamp()))
    with TestClient(build(parts), raise_server_exceptions=False) as client:
        assert client.post("/webhooks/sendgrid", content=body, headers=signed).json()["taken"] == 2 * PEOPLE
    assert installation.ledger() == {"accepted": PEOPLE}


@pytest.mark.parametrize("accepted", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        lambda accepted: cut(accepted=accepted),
        lambda accepted: cut(accepted=accepted, after=b"HTTP/1.1 202 Acc"),
        lambda accepted: hang(0.8, accepted=accepted),
    ],
    ids=["lost", "cut short", "hanging"],
)
async def test_a_response_lost_cut_or_hanging_is_parked_and_never_repeated(
    installation: Installation, sendgrid: FakeSendGrid, fault: Any, accepted: bool
) -> None:
    """Fault 11."""
    sendgrid.faults = [fault(accepted)]
    await installation.pump()
    assert installation.ledger() == {"accepted": PEOPLE - 1, "unknown no_answer": 1}
    asked = sendgrid.requests
    for _ in range(3):
        await installation.pump(hours=12)
        await installation.lane.seek_evidence()
    assert sendgrid.requests == asked
    assert installation.ledger() == {"accepted": PEOPLE - 1, "parked parked": 1}
    assert len(set(sendgrid.send_ids())) == len(sendgrid.send_ids()) == PEOPLE - (not accepted)


async def test_the_log_tells_what_became_of_a_lost_answer(
    installation: Installation, sendgrid: FakeSendGrid, sender: Any, clock: Any
) -> None:
    sendgrid.faults, sendgrid.log = [cut(accepted=True)], True
    installation.lane._evidence._sender = sender(log=True)
    await installation.pump()
    await installation.pump(minutes=2)
    await installation.lane.seek_evidence()
    assert installation.ledger() == {"accepted": PEOPLE}


async def test_a_revoked_key_closes_the_channel_and_a_new_one_opens_it(
    installation: Installation, sendgrid: FakeSendGrid, sender: Any
) -> None:
    """Fault 12: nothing is lost, everybody is told, and one mail a minute is tried until the key is good."""
    good, sendgrid.key = sendgrid.key, "SG.rotated"
    await installation.pump()
    channel = installation.channel()
    assert channel is not None
    assert (channel.alarm, sendgrid.mails) == ("SendGrid answered 401: the API key is refused", [])
    assert set(installation.ledger()) <= {"planned channel_misconfigured", "planned provider_busy", "planned"}
    assert sum(installation.ledger().values()) == PEOPLE
    sendgrid.key = good
    for _ in range(5):
        await installation.pump(minutes=2)
    channel = installation.channel()
    assert (installation.ledger(), channel.alarm if channel else "") == ({"accepted": PEOPLE}, None)
    assert len(set(sendgrid.send_ids())) == len(sendgrid.send_ids())


async def test_a_provider_that_keeps_failing_is_left_alone(installation: Installation, sendgrid: FakeSendGrid) -> None:
    """The breaker: a few mails may be unsure, and the others wait instead of becoming so."""
    sendgrid.faults = [status(500)] * 1_000
    installation.lane._hand_over._slots = CallSlots(2)
    await installation.pump()
    assert installation.ledger()["unknown no_answer"] <= 6
    channel = installation.channel()
    assert channel is not None
    assert channel.closed_until is not None
    assert channel.closed_until > installation.clock()
    assert "attempts in a row failed" in (channel.alarm or "")
    sendgrid.faults = []
    for _ in range(6):
        await installation.pump(minutes=6)
    assert set(installation.ledger()) == {"accepted", "unknown no_answer"}
    with installation.parts.database.reading() as session:
        explained = session.exec(select(Decision).where(col(Decision.what) == "unknown")).all()
    assert {one.detail["explanation"] for one in explained} == {"SendGrid answered 500"}


async def test_mails_that_are_rendered_late_do_not_ask_a_failing_provider_again(
    installation: Installation, sendgrid: FakeSendGrid
) -> None:
    """Each late mail is recorded by itself; the channel is closed for them too."""
    sendgrid.faults = [status(500)] * 1_000
    installation.lane._hand_over._slots = CallSlots(1)
    installation.lane._composer = cast(Composer, Slow(installation.lane._composer, PATIENCE + 0.2))
    await installation.pump()
    assert (sendgrid.requests, installation.ledger()) == (
        5,
        {"unknown no_answer": 5, "planned provider_busy": PEOPLE - 5},
    )


class Slow:
    """A composer on a busy machine."""

    def __init__(self, composer: Composer, seconds: float) -> None:
        self._composer, self._seconds = composer, seconds

    def compose(self, request: MailRequest, now: datetime) -> Mail:
        time.sleep(self._seconds)
        return self._composer.compose(request, now)


async def test_a_refusal_of_the_one_mail_that_is_tried_opens_the_channel(
    installation: Installation, sendgrid: FakeSendGrid
) -> None:
    sendgrid.faults = [status(500)] * 5
    installation.lane._hand_over._slots = CallSlots(1)
    await installation.pump()
    sendgrid.faults = [status(400)]
    await installation.pump(minutes=1)
    channel = installation.channel()
    assert (channel.failures, channel.alarm) == (0, None) if channel else False
    await installation.pump(seconds=1)
    assert installation.ledger() == {"unknown no_answer": 5, "failed rejected": 1, "accepted": PEOPLE - 6}


async def test_a_refused_mail_fails_alone(installation: Installation, sendgrid: FakeSendGrid) -> None:
    sendgrid.faults = [status(400), status(413)]
    await installation.pump()
    assert installation.ledger() == {"accepted": PEOPLE - 2, "failed rejected": 2}
    assert installation.channel() is None or installation.channel().alarm is None  # type: ignore[union-attr]
