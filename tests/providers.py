"""The other side of each mail provider, as the contract suites need it: one entry for each that is registered.

`tests/mail/test_sender_contract.py` and `tests/mail/test_event_contract.py` run over `SENDERS` and `REPORTERS`.
"""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes, policy
from typing import Any, Literal

import httpx
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from mail.message import Mail
from mail.mime import as_bytes
from mail.providers.events import EventKind, EventReader
from mail.providers.outbox.sender import OutboxSender
from mail.providers.sender import MailSender
from mail.providers.sendgrid.events import KINDS, SendGridEvents
from mail.providers.sendgrid.sender import SendGridSender
from mail.providers.smtp.sender import SmtpSender
from tests.sendgrid import FakeSendGrid, cut, status
from waypost.stack.free_port import free_port

SECRET = "p4ss-w0rd"
"""What every sender logs in with, and nobody may ever read."""

Mood = Literal["busy", "refuses", "takes it and hangs up"]
"""How the other side behaves towards the next mail."""


@dataclass(frozen=True, slots=True)
class Received:
    """A mail as it arrived."""

    to: str
    subject: str
    text: str
    html: str
    unsubscribe: str


@dataclass(slots=True, kw_only=True)
class OtherSide:
    """A sender and whoever it sends to.

    `nobody` makes a sender that no one answers, `unwelcome` one whose login is refused; `turn` puts the other side into
    a mood. The local outbox is this machine: it is always there, and in no mood.
    """

    sender: MailSender
    received: Callable[[], Sequence[Received]]
    nobody: Callable[[], MailSender] | None = None
    unwelcome: Callable[[], MailSender] | None = None
    turn: Callable[[Mood], None] | None = None


Opened = Callable[[], AbstractAsyncContextManager[OtherSide]]


def _read(data: bytes) -> Received:
    mail = message_from_bytes(data, policy=policy.default)
    text, html = (part.get_content().replace("\r\n", "\n").rstrip() for part in mail.iter_parts())
    return Received(str(mail["To"]), str(mail["Subject"]), text, html, str(mail["List-Unsubscribe"]).replace(" ", ""))


# -- the outbox --------------------------------------------------------------------------------------------------------


class Kept:
    """An inbox in memory."""

    def __init__(self) -> None:
        self.mails: list[Mail] = []

    def keep(self, mails: Sequence[Mail]) -> Sequence[str]:
        self.mails += mails
        return [f"box_{len(self.mails) - len(mails) + number}" for number in range(1, len(mails) + 1)]

    def holds(self, send_id: str) -> bool:
        return any(one.send_id == send_id for one in self.mails)


@asynccontextmanager
async def outbox() -> AsyncIterator[OtherSide]:
    kept = Kept()
    yield OtherSide(sender=OutboxSender(kept), received=lambda: [_read(as_bytes(one)) for one in kept.mails])


# -- SMTP --------------------------------------------------------------------------------------------------------------


class SmtpInbox:
    """An SMTP server's handler, with a mood."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.mood: Mood | None = None

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:
        mood, self.mood = self.mood, self.mood if self.mood == "takes it and hangs up" else None
        if mood in ("busy", "refuses"):
            return "421 later" if mood == "busy" else f"550 no such user {address}"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        if self.mood == "takes it and hangs up":
            self.mood = None
            server.transport.abort()
            await asyncio.sleep(0.02)
        return "250 OK: queued"

    def turn(self, mood: Mood) -> None:
        self.mood = mood


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and data.password == SECRET.encode()
    return AuthResult(success=good, handled=good)


@asynccontextmanager
async def smtp() -> AsyncIterator[OtherSide]:
    inbox, port = SmtpInbox(), free_port()
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=port,
        enable_SMTPUTF8=True,
        authenticator=_let_in,
        auth_required=True,
        auth_require_tls=False,
    )
    controller.start()
    opened: list[MailSender] = []

    def sender(port: int = port, password: str = SECRET) -> MailSender:
        opened.append(SmtpSender(f"smtp://user:{password}@127.0.0.1:{port}"))
        return opened[-1]

    try:
        yield OtherSide(
            sender=sender(),
            received=lambda: [_read(one) for one in inbox.mails],
            nobody=lambda: sender(free_port()),
            unwelcome=lambda: sender(password=f"{SECRET}-of-old"),
            turn=inbox.turn,
        )
        for one in opened:
            await one.close()
    finally:
        controller.stop()


# -- SendGrid ----------------------------------------------------------------------------------------------------------


@asynccontextmanager
async def sendgrid() -> AsyncIterator[OtherSide]:
    fake = FakeSendGrid(key=SECRET)
    moods: Mapping[Mood, Any] = {
        "busy": status(429, {"Retry-After": "17"}),
        "refuses": status(413),
        "takes it and hangs up": cut(accepted=True),
    }

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

    opened: list[SendGridSender] = []

    def sender(url: str = fake.url, key: str = SECRET) -> MailSender:
        opened.append(SendGridSender(key, url))
        opened[-1]._client.timeout = httpx.Timeout(5.0, read=2.0)  # less patient than in production
        return opened[-1]

    try:
        yield OtherSide(
            sender=sender(),
            received=received,
            nobody=lambda: sender(f"http://127.0.0.1:{free_port()}"),
            unwelcome=lambda: sender(key=f"{SECRET}-of-old"),
            turn=lambda mood: fake.faults.append(moods[mood]),
        )
        for one in opened:
            await one.close()
    finally:
        fake.close()


SENDERS: Mapping[str, Opened] = {"outbox": outbox, "smtp": smtp, "sendgrid": sendgrid}


# -- what they report --------------------------------------------------------------------------------------------------


@dataclass(slots=True, kw_only=True)
class Reporter:
    """How a provider reports, and what reads it.

    `says` gives its own event of each kind, `more` a word of which we have none; `event` makes one of these, about a
    mail, with an address in every text that may hold one; `sign` gives the headers by which a body is known to be theirs, `forge` those of a stranger. `strange` are events of
    our mail that cannot be read, and `others` some that are not about a mail of ours; `malformed` are bodies that are
    no report.
    """

    read: EventReader
    says: Mapping[EventKind, Mapping[str, Any]]
    more: Mapping[str, Any]
    event: Callable[[Mapping[str, Any], str, datetime], Mapping[str, Any]]
    sign: Callable[[bytes], Mapping[str, str]]
    forge: Callable[[bytes], Mapping[str, str]]
    strange: Callable[[str, datetime], Sequence[Mapping[str, Any]]]
    others: Sequence[Any] = field(default_factory=list[Any])
    malformed: Sequence[bytes] = ()
    pack: Callable[[Sequence[Any]], bytes] = lambda events: json.dumps(list(events)).encode()


def sendgrid_reports() -> Reporter:
    ours, stranger = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    public = ours.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)

    def sign(body: bytes, key: ec.EllipticCurvePrivateKey = ours, stamp: str = "1700000000") -> Mapping[str, str]:
        signature = base64.b64encode(key.sign(stamp.encode() + body, ec.ECDSA(hashes.SHA256()))).decode()
        return {
            "x-twilio-email-event-webhook-signature": signature,
            "x-twilio-email-event-webhook-timestamp": stamp,
        }

    def event(said: Mapping[str, Any], send_id: str, at: datetime) -> Mapping[str, Any]:
        return {
            "email": "ann@example.com",
            "timestamp": int(at.timestamp()),
            "reason": "550 5.1.1 <ann@example.com> is not known here",
            "smtp-id": "<x@geopod-ismtpd>",
            "sg_message_id": "m.filter",
            "send_id": send_id,
            **said,
        }

    says: dict[EventKind, Mapping[str, Any]] = {kind: {"event": said} for said, kind in KINDS.items()}
    return Reporter(
        read=SendGridEvents(base64.b64encode(public).decode()),
        says={**says, "blocked": {"event": "bounce", "type": "blocked"}},
        more={"event": "account_status_change"},
        event=event,
        sign=sign,
        forge=lambda body: sign(body, stranger),
        strange=lambda send_id, at: (
            [
                {**event({"event": "delivered"}, send_id, at), "timestamp": stamp}
                for stamp in (None, "soon", True, -1, 10**18, 1.5)
            ]
            + [{**event({}, send_id, at), "event": word} for word in (None, 7)]
        ),
        others=[5, None, [], {}, {"event": "delivered"}, {"event": "open", "send_id": 7, "timestamp": 1_700_000_000}],
        malformed=[b"", b"{", b"{}", b"5", b"null"],
    )


REPORTERS: Mapping[str, Callable[[], Reporter]] = {"sendgrid": sendgrid_reports}
