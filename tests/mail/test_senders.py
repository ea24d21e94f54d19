"""The senders: one attempt each, and every answer of a provider means one thing."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from email import message_from_bytes, policy
from typing import Any, cast

import httpx
import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP as SmtpServer

from mail.message import Mail, Sender, parse_sender
from mail.mime import as_bytes
from mail.providers.outbox.sender import OutboxSender
from mail.providers.sender import Accepted, MailRefused, MaybeSent, Misconfigured, NotSent
from mail.providers.sendgrid.sender import SendGridSender, request_body
from mail.providers.smtp.sender import SmtpSender
from tests.providers import Kept

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop; of, Ünits", email="shop@example.com"),
    subject="Grüße 👋",
    html="<p>Hello</p>",
    text="Hello\n",
    headers={"List-Unsubscribe": "<http://x/u/token>", "List-Unsubscribe-Post": "List-Unsubscribe=One-Click"},
)


def test_a_mail_is_multipart_with_the_text_first() -> None:
    message = message_from_bytes(as_bytes(MAIL), policy=policy.default)
    assert [part.get_content_type() for part in message.iter_parts()] == ["text/plain", "text/html"]
    assert (message["Subject"], message["List-Unsubscribe-Post"]) == ("Grüße 👋", "List-Unsubscribe=One-Click")


@pytest.mark.parametrize("field", ["subject", "to"])
def test_a_line_break_in_a_header_makes_no_mail(field: str) -> None:
    values: dict[str, Any] = {
        "send_id": "x",
        "to": "a@b.c",
        "sender": MAIL.sender,
        "subject": "s",
        "html": "",
        "text": "",
    }
    values[field] = "a@b.c\r\nBcc: x@y.z"
    with pytest.raises(ValueError, match="line break"):
        Mail(**values)


def test_a_sender_is_read_or_refused() -> None:
    assert parse_sender("Shop <shop@example.com>") == Sender(name="Shop", email="shop@example.com")
    with pytest.raises(ValueError, match="is no sender"):
        parse_sender("Shop")


# -- SendGrid ----------------------------------------------------------------------------------------------------------


def sendgrid(answer: Any) -> SendGridSender:
    return SendGridSender("SG.secret", transport=httpx.MockTransport(answer))


async def test_sendgrid_gets_one_request_with_the_opaque_id_alone() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(202, headers={"X-Message-Id": "abc"})

    assert await sendgrid(answer).send(MAIL) == Accepted(provider_id="abc")
    (request,) = seen
    body = json.loads(request.content)
    assert (request.url.path, request.headers["authorization"]) == ("/v3/mail/send", "Bearer SG.secret")
    assert body["personalizations"][0]["to"] == [{"email": "ann@example.com"}]
    assert body["custom_args"] == {"send_id": MAIL.send_id}
    assert [part["type"] for part in body["content"]] == ["text/plain", "text/html"]
    assert body["headers"]["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"


@pytest.mark.parametrize(
    ("status", "headers", "expected"),
    [
        (202, {}, Accepted(provider_id=None)),
        (429, {"Retry-After": "17"}, NotSent(wait=timedelta(seconds=17))),
        (429, {}, NotSent(wait=timedelta(seconds=5))),
        (400, {}, MailRefused(explanation="SendGrid answered 400")),
        (413, {}, MailRefused(explanation="SendGrid answered 413")),
        (401, {}, Misconfigured(explanation="SendGrid answered 401: the API key is refused")),
        (403, {}, Misconfigured(explanation="SendGrid answered 403: the API key is refused")),
        (500, {}, MaybeSent(explanation="SendGrid answered 500")),
        (503, {}, MaybeSent(explanation="SendGrid answered 503")),
    ],
)
async def test_each_status_of_sendgrid_means_one_thing(status: int, headers: dict[str, str], expected: Any) -> None:
    assert await sendgrid(lambda _: httpx.Response(status, headers=headers)).send(MAIL) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            httpx.ConnectError("refused"),
            NotSent(unreachable=True, explanation="SendGrid cannot be reached: ConnectError"),
        ),
        (
            httpx.ConnectTimeout("slow"),
            NotSent(unreachable=True, explanation="SendGrid cannot be reached: ConnectTimeout"),
        ),
        (httpx.ReadTimeout("slow"), MaybeSent(explanation="ReadTimeout")),
        (httpx.RemoteProtocolError("cut"), MaybeSent(explanation="RemoteProtocolError")),
    ],
)
async def test_only_a_failed_connection_is_certainly_not_sent(error: httpx.HTTPError, expected: Any) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        raise error

    assert await sendgrid(answer).send(MAIL) == expected


def test_nothing_of_the_key_or_the_customer_is_in_the_custom_args() -> None:
    body = json.dumps(request_body(MAIL)["custom_args"])
    assert "ann" not in body


# -- SMTP --------------------------------------------------------------------------------------------------------------


class Inbox:
    """An SMTP server's handler that answers as it is told."""

    def __init__(self) -> None:
        self.mails: list[bytes] = []
        self.rcpt = "250 OK"
        self.data = "250 OK: queued as 77"
        self.hang_up = False

    async def handle_RCPT(self, server: SmtpServer, session: Any, envelope: Any, address: str, options: Any) -> str:
        if self.rcpt.startswith("250"):
            envelope.rcpt_tos.append(address)
        return self.rcpt

    async def handle_DATA(self, server: SmtpServer, session: Any, envelope: Any) -> str:
        if self.data.startswith("250"):
            self.mails.append(envelope.content)
        if self.hang_up:
            cast(asyncio.Transport, server.transport).abort()
            await asyncio.sleep(0.1)
        return self.data


@pytest.fixture
async def inbox(unused_tcp_port: int) -> AsyncIterator[tuple[Inbox, SmtpSender]]:
    handler = Inbox()
    controller = Controller(handler, hostname="127.0.0.1", port=unused_tcp_port)
    controller.start()
    sender = SmtpSender(f"smtp://127.0.0.1:{unused_tcp_port}")
    yield handler, sender
    await sender.close()
    controller.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
async def test_smtp_delivers_over_one_connection(inbox: tuple[Inbox, SmtpSender]) -> None:
    handler, sender = inbox
    answers = [await sender.send(MAIL) for _ in range(3)]
    assert answers == [Accepted(provider_id="OK: queued as 77")] * 3
    received = message_from_bytes(handler.mails[0], policy=policy.default)
    assert (received["To"], received["Subject"]) == ("ann@example.com", "Grüße 👋")


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize(
    ("rcpt", "data", "expected"),
    [
        ("550 no such user", "250 OK", MailRefused(explanation="the SMTP server answered 550")),
        ("450 greylisted", "250 OK", NotSent(wait=timedelta(seconds=60), lane=False)),
        ("250 OK", "554 spam", MailRefused(explanation="the SMTP server answered 554")),
        ("250 OK", "452 full", NotSent(wait=timedelta(seconds=60), lane=False)),
    ],
)
async def test_smtp_codes_of_400_come_back_and_of_500_are_final(
    inbox: tuple[Inbox, SmtpSender], rcpt: str, data: str, expected: Any
) -> None:
    handler, sender = inbox
    handler.rcpt, handler.data = rcpt, data
    assert await sender.send(MAIL) == expected
    handler.rcpt = handler.data = "250 OK"
    assert isinstance(await sender.send(MAIL), Accepted)


@pytest.mark.filterwarnings("ignore")
async def test_a_connection_lost_after_data_is_unknown(inbox: tuple[Inbox, SmtpSender]) -> None:
    handler, sender = inbox
    handler.hang_up = True
    assert isinstance(await sender.send(MAIL), MaybeSent)
    assert len(handler.mails) == 1


async def test_nobody_listening_is_certainly_not_sent(unused_tcp_port: int) -> None:
    assert isinstance(await SmtpSender(f"smtp://127.0.0.1:{unused_tcp_port}").send(MAIL), NotSent)


def test_an_smtp_url_is_checked() -> None:
    with pytest.raises(ValueError, match="must look like"):
        SmtpSender("localhost:25")


# -- outbox ------------------------------------------------------------------------------------------------------------


async def test_the_outbox_counts_what_it_gets_and_can_be_asked() -> None:
    sender = OutboxSender(Kept())
    assert await sender.look_up(MAIL.send_id) == "absent"
    assert await sender.send(MAIL) == Accepted(provider_id="box_1")
    assert await sender.send(MAIL) == Accepted(provider_id="box_2")
    assert await sender.look_up(MAIL.send_id) == "accepted"
