"""SMTP on a real server: encrypted from the first byte or after the greeting, with a login, over connections kept."""

import asyncio
import ssl
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as SmtpServer
from aiosmtpd.smtp import AuthResult, LoginPassword
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from mail.message import Mail, Sender
from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent
from mail.providers.smtp.sender import SmtpSender
from waypost.stack.free_port import free_port

pytestmark = pytest.mark.filterwarnings("ignore")  # aiosmtpd's own

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Grüße",
    html="<p>Hello</p>",
    text="Hello\n",
)


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate of 127.0.0.1 with its key, signed by itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime(2020, 1, 1, tzinfo=UTC))
        .not_valid_after(datetime.now(UTC) + timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(made.public_bytes(serialization.Encoding.PEM) + private)
    return path


class Inbox:
    """Keeps what it gets, and how many connections there were."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.sessions: set[int] = set()
        self.mail = self.rcpt = self.data = "250 OK"
        self.hang_up_at: str | None = None

    async def handle_MAIL(self, server: SmtpServer, session: Any, envelope: Any, address: str, options: Any) -> str:
        self.sessions.add(id(session))
        if self.hang_up_at == "MAIL":
            self.hang_up_at = None
            cast(asyncio.Transport, server.transport).abort()
        if self.mail.startswith("250"):
            envelope.mail_from = address
        return self.mail

    async def handle_RCPT(self, server: SmtpServer, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SmtpServer, session: Any, envelope: Any) -> str:
        self.mails.append(envelope.content)
        await asyncio.sleep(0.02)
        if self.hang_up_at == "DATA":
            self.hang_up_at = None
            cast(asyncio.Transport, server.transport).abort()
        return self.data


def _let_in(server: Any, session: Any, envelope: Any, mechanism: str, data: Any) -> AuthResult:
    good = isinstance(data, LoginPassword) and (data.login, data.password) == (b"user", b"p@ss")
    return AuthResult(success=good, handled=good)


Serve = Callable[..., tuple[Inbox, int]]


@pytest.fixture
def serve(certificate: Path) -> Iterator[Serve]:
    running: list[Controller] = []

    def run(tls: str = "", *, auth: bool = False, utf8: bool = True) -> tuple[Inbox, int]:
        inbox, context = Inbox(), None
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        port = free_port()
        controller = Controller(
            inbox,
            hostname="127.0.0.1",
            port=port,
            ssl_context=context if tls == "implicit" else None,
            tls_context=context if tls == "starttls" else None,
            require_starttls=tls == "starttls",
            authenticator=_let_in if auth else None,
            auth_required=auth,
            auth_require_tls=tls == "starttls",
            enable_SMTPUTF8=utf8,
        )
        controller.start()
        running.append(controller)
        return inbox, port

    yield run
    for one in running:
        one.stop()


@pytest.fixture
async def sender() -> Any:
    opened: list[SmtpSender] = []

    def run(*args: Any, **more: Any) -> SmtpSender:
        opened.append(SmtpSender(*args, **more))
        return opened[-1]

    yield run
    for one in opened:
        await one.close()


@pytest.mark.parametrize(("scheme", "tls"), [("smtps", "implicit"), ("smtp+starttls", "starttls")])
async def test_mail_goes_encrypted_and_with_a_login(
    serve: Serve, sender: Any, certificate: Path, scheme: str, tls: str
) -> None:
    inbox, port = serve(tls, auth=True)
    assert isinstance(await sender(f"{scheme}://user:p%40ss@127.0.0.1:{port}", certificate).send(MAIL), Accepted)
    assert message_from_bytes(inbox.mails[0], policy=policy.default)["Subject"] == "Grüße"


async def test_a_wrong_password_is_our_fault_and_not_the_mails(serve: Serve, sender: Any, certificate: Path) -> None:
    inbox, port = serve("implicit", auth=True)
    outcome = await sender(f"smtps://user:wrong@127.0.0.1:{port}", certificate).send(MAIL)
    assert outcome == Misconfigured(explanation="the SMTP server refused our credentials (535)")
    assert inbox.mails == []


@pytest.mark.parametrize(("scheme", "tls"), [("smtps", "implicit"), ("smtp+starttls", "starttls")])
async def test_a_server_that_nobody_vouches_for_gets_no_mail(serve: Serve, sender: Any, scheme: str, tls: str) -> None:
    inbox, port = serve(tls)
    outcome = await sender(f"{scheme}://127.0.0.1:{port}").send(MAIL)
    assert isinstance(outcome, NotSent)
    assert (outcome.unreachable, inbox.mails) == (True, [])


async def test_no_mail_goes_in_the_clear_where_encryption_was_wanted(serve: Serve, sender: Any) -> None:
    inbox, port = serve()
    outcome = await sender(f"smtp+starttls://127.0.0.1:{port}").send(MAIL)
    assert isinstance(outcome, NotSent)
    assert inbox.mails == []


async def test_connections_are_few_and_used_again(serve: Serve, sender: Any) -> None:
    inbox, port = serve()
    smtp = sender(f"smtp://127.0.0.1:{port}", connections=3)
    outcomes = await asyncio.gather(*(smtp.send(MAIL) for _ in range(30)))
    assert all(isinstance(one, Accepted) for one in outcomes)
    assert (len(inbox.mails), len(inbox.sessions)) == (30, 3)


async def test_a_connection_that_was_dropped_meanwhile_loses_nothing(serve: Serve, sender: Any) -> None:
    inbox, port = serve()
    smtp = sender(f"smtp://127.0.0.1:{port}", connections=1)
    await smtp.send(MAIL)
    inbox.hang_up_at = "MAIL"
    outcome = await smtp.send(MAIL)
    assert outcome == NotSent(wait=timedelta(), lane=False), "nothing was sent, and it may go at once"
    assert isinstance(await smtp.send(MAIL), Accepted)
    assert len(inbox.mails) == 2


async def test_a_server_that_always_hangs_up_has_failed_and_is_not_asked_at_once_again(
    serve: Serve, sender: Any
) -> None:
    inbox, port = serve()
    inbox.hang_up_at = "MAIL"
    outcome = await sender(f"smtp://127.0.0.1:{port}").send(MAIL)
    assert isinstance(outcome, NotSent)
    assert (outcome.unreachable, outcome.wait > timedelta(), outcome.lane) == (True, True, True)


async def test_a_connection_lost_after_data_is_unknown(serve: Serve, sender: Any) -> None:
    inbox, port = serve()
    smtp = sender(f"smtp://127.0.0.1:{port}")
    inbox.hang_up_at = "DATA"
    assert isinstance(await smtp.send(MAIL), MaybeSent)
    assert len(inbox.mails) == 1


@pytest.mark.parametrize(
    ("where", "answer", "expected"),
    [
        ("mail", "550 not you", Misconfigured(explanation="the SMTP server takes no mail from our sender (550)")),
        ("mail", "451 later", NotSent(wait=timedelta(minutes=1))),
        ("rcpt", "550 no such user", MailRefused(explanation="the SMTP server answered 550")),
        ("rcpt", "450 greylisted", NotSent(wait=timedelta(minutes=1), lane=False)),
        ("rcpt", "421 closing", NotSent(wait=timedelta(minutes=1), lane=True)),
        ("data", "554 spam", MailRefused(explanation="the SMTP server answered 554")),
        ("data", "452 full", NotSent(wait=timedelta(minutes=1), lane=False)),
    ],
)
async def test_each_answer_means_one_thing(serve: Serve, sender: Any, where: str, answer: str, expected: Any) -> None:
    inbox, port = serve()
    setattr(inbox, where, answer)
    smtp = sender(f"smtp://127.0.0.1:{port}")
    assert await smtp.send(MAIL) == expected
    setattr(inbox, where, "250 OK")
    assert isinstance(await smtp.send(MAIL), Accepted)


async def test_a_local_part_beyond_ascii_goes_where_the_server_takes_it(serve: Serve, sender: Any) -> None:
    """Fault 22."""
    inbox, port = serve()
    mail = replace(MAIL, to="jörg@bücher.example")
    assert isinstance(await sender(f"smtp://127.0.0.1:{port}").send(mail), Accepted)
    assert message_from_bytes(inbox.mails[0], policy=policy.default)["To"] == "jörg@xn--bcher-kva.example"
    _, old = serve(utf8=False)
    outcome = await sender(f"smtp://127.0.0.1:{old}").send(mail)
    assert isinstance(outcome, MailRefused)
    assert "SMTPUTF8" in outcome.explanation
