"""What every provider keeps to. A new one adds itself to PROVIDERS and is done when this passes."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from email import message_from_bytes, policy
from pathlib import Path
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from mail.message import Mail, Sender
from mail.mime import as_bytes
from mail.providers.outbox.sender import OutboxSender
from mail.providers.sender import Accepted, MailRefused, MailSender, NotSent, SendOutcome
from mail.providers.sendgrid.sender import SendGridSender
from mail.providers.smtp.sender import SmtpSender
from tests.sendgrid import FakeSendGrid

pytestmark = pytest.mark.filterwarnings("ignore")  # aiosmtpd's own

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Grüße 👋",
    html="<p>Hello\n.\nthere</p>",
    text="Hello\n.\nthere\n",
    headers={
        "List-Unsubscribe": "<https://x/u/" + "t" * 300 + ">",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    },
)


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it arrived."""

    to: str
    subject: str
    text: str
    html: str
    unsubscribe: str


@dataclass(slots=True)
class Provider:
    """A sender with the other side: what arrived there, and senders that nobody answers or that are unwelcome."""

    sender: MailSender
    received: Callable[[], Sequence[Received]]
    nobody: Callable[[], MailSender] | None = None
    secret: str = "p4ss"


def _read(data: bytes) -> Received:
    mail = message_from_bytes(data, policy=policy.default)
    text, html = (part.get_content().replace("\r\n", "\n").rstrip() for part in mail.iter_parts())
    return Received(str(mail["To"]), str(mail["Subject"]), text, html, str(mail["List-Unsubscribe"]).replace(" ", ""))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@asynccontextmanager
async def outbox(folder: Path) -> AsyncIterator[Provider]:
    class Kept:
        def __init__(self) -> None:
            self.mails: list[Mail] = []

        def keep(self, mails: Sequence[Mail]) -> Sequence[str]:
            self.mails += mails
            return [f"box_{len(self.mails)}_{number}" for number in range(len(mails))]

        def holds(self, send_id: str) -> bool:
            return any(one.send_id == send_id for one in self.mails)

    kept = Kept()
    yield Provider(OutboxSender(kept), lambda: [_read(as_bytes(one)) for one in kept.mails])


@asynccontextmanager
async def smtp(folder: Path) -> AsyncIterator[Provider]:
    class Inbox:
        mails: list[bytes] = []

        async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
            self.mails.append(envelope.content)
            return "250 OK: queued"

    inbox, port = Inbox(), _free_port()
    inbox.mails = []
    controller = Controller(inbox, hostname="127.0.0.1", port=port, enable_SMTPUTF8=True)
    controller.start()
    try:
        yield Provider(
            SmtpSender(f"smtp://127.0.0.1:{port}"),
            lambda: [_read(one) for one in inbox.mails],
            lambda: SmtpSender(f"smtp://user:p4ss@127.0.0.1:{_free_port()}"),
        )
    finally:
        controller.stop()


@asynccontextmanager
async def sendgrid(folder: Path) -> AsyncIterator[Provider]:
    fake = FakeSendGrid(key="p4ss")

    def received() -> Sequence[Received]:
        return [
            Received(
                one["personalizations"][0]["to"][0]["email"],
                one["subject"],
                one["content"][0]["value"].rstrip(),
                one["content"][1]["value"],
                one["headers"]["List-Unsubscribe"],
            )
            for one in fake.mails
        ]

    try:
        nobody = f"http://127.0.0.1:{_free_port()}"
        yield Provider(SendGridSender("p4ss", fake.url), received, lambda: SendGridSender("p4ss", nobody))
    finally:
        fake.close()


PROVIDERS = {"outbox": outbox, "smtp": smtp, "sendgrid": sendgrid}


@pytest.fixture(params=sorted(PROVIDERS))
async def provider(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Provider]:
    async with PROVIDERS[request.param](tmp_path / "mails") as made:
        yield made
        await made.sender.close()


async def test_an_accepted_mail_arrives_once_and_whole(provider: Provider) -> None:
    outcome = await provider.sender.send(MAIL)
    assert isinstance(outcome, Accepted)
    assert outcome.provider_id
    assert provider.received() == [
        Received(MAIL.to, MAIL.subject, MAIL.text.rstrip(), MAIL.html, MAIL.headers["List-Unsubscribe"])
    ]


async def test_as_many_at_once_as_it_says_and_more(provider: Provider) -> None:
    people = [f"u{number}@example.com" for number in range(provider.sender.at_once + 10)]
    outcomes = await asyncio.gather(*(provider.sender.send(replace(MAIL, to=one)) for one in people))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert sorted(one.to for one in provider.received()) == sorted(people)


@pytest.mark.parametrize("provider", sorted(set(PROVIDERS) - {"outbox"}), indirect=True)
async def test_nobody_there_is_certainly_not_sent_and_says_nothing_secret(provider: Provider) -> None:
    """The outbox is always there."""
    assert provider.nobody is not None
    sender = provider.nobody()
    outcome = await sender.send(MAIL)
    await sender.close()
    assert isinstance(outcome, NotSent)
    assert outcome.unreachable
    assert provider.secret not in json.dumps(outcome.explanation)


@pytest.mark.parametrize("to", ["jörg@bücher.example", "👋@example.com", "a" * 64 + "@example.com", "ann@例え.jp"])
async def test_any_address_of_the_world_gets_an_answer_and_never_an_exception(provider: Provider, to: str) -> None:
    """Fault 22."""
    outcome: SendOutcome = await provider.sender.send(replace(MAIL, to=to))
    assert isinstance(outcome, Accepted | MailRefused)
    assert len(provider.received()) == isinstance(outcome, Accepted)


async def test_a_mail_that_was_sent_is_never_said_to_be_absent(provider: Provider) -> None:
    await provider.sender.send(MAIL)
    assert await provider.sender.look_up(MAIL.send_id) in ("accepted", "unknowable")
    assert await provider.sender.look_up("00000000-0000-5000-8000-000000000000") in ("absent", "unknowable")


async def test_it_can_be_closed_twice(provider: Provider) -> None:
    await provider.sender.send(MAIL)
    await provider.sender.close()
    await provider.sender.close()


def test_it_has_a_name_of_its_own(provider: Provider) -> None:
    assert provider.sender.name
    assert provider.sender.at_once > 0
