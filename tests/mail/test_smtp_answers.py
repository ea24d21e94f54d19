"""What an SMTP server may say, or not say, at each point of a mail: yes, no, later, and everything that is none of it."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from mail.message import Mail, Sender
from mail.providers.sender import Accepted, MailRefused, MaybeSent, NotSent, Withheld
from mail.providers.smtp import sender as smtp
from mail.providers.smtp.sender import SmtpSender

MAIL = Mail(
    send_id="2161b3b7-f9d3-5b07-9196-af81ec9afb65",
    to="ann@example.com",
    sender=Sender(name="Shop", email="shop@example.com"),
    subject="Hello",
    html="<p>Hello</p>",
    text="..com is what a line may begin with\n.\nHello\n",
)
USUAL: Mapping[str, str] = {"MAIL": "250 OK", "RCPT": "250 OK", "DATA": "354 go on", "END": "250 queued"}

NEITHER = ["150 wait", "354 go on", "25", "5", "99 hello", "hello", "", "-550 no", "\x00\xff", "6", "700 what"]
"""Lines that are neither yes nor no: a code of another kind, one that is cut off, no code at all."""


class Server:
    """Answers each command as it is told, each after so many seconds; keeps what it got."""

    def __init__(self) -> None:
        self.answers = dict(USUAL)
        self.after: dict[str, float] = {}
        self.mails: list[bytes] = []
        self.waiting = self.connections = 0
        self.answer = asyncio.Event()
        self.answer.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            await self._say(writer, "220 hello")
            while line := (await reader.readline()).decode().strip():
                command = line[:4].upper()
                if command == "EHLO":
                    await self._say(writer, "250 here")
                    continue
                await self._say(writer, self.answers.get(command, "250 OK"), command)
                if command == "DATA" and self.answers["DATA"].startswith("354"):
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    self.waiting += 1
                    await self.answer.wait()
                    self.waiting -= 1
                    await self._say(writer, self.answers["END"], "END")
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _say(self, writer: asyncio.StreamWriter, text: str, command: str = "") -> None:
        await asyncio.sleep(self.after.get(command, 0))
        writer.write(text.encode("latin-1") + b"\r\n")
        await writer.drain()


@asynccontextmanager
async def running() -> AsyncGenerator[tuple[Server, Callable[..., SmtpSender]]]:
    server, opened = Server(), list[SmtpSender]()
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]

    def sender(**more: Any) -> SmtpSender:
        opened.append(SmtpSender(f"smtp://127.0.0.1:{port}", **more))
        return opened[-1]

    yield server, sender
    for one in opened:
        await one.close()
    listening.close()


async def test_a_mail_arrives_as_it_was_written_and_ends_with_a_lone_dot() -> None:
    async with running() as (server, sender):
        assert await sender().send(MAIL) == Accepted(provider_id="queued")
        assert b"\r\n...com is what" in server.mails[0], "RFC 5321, 4.5.2"
        assert server.mails[0].endswith(b"--\r\n.\r\n")


@pytest.mark.parametrize("answer", NEITHER)
async def test_an_answer_after_the_data_that_is_neither_yes_nor_no_is_unknown(answer: str) -> None:
    async with running() as (server, sender):
        smtp_sender = sender()
        server.answers["END"] = answer
        assert isinstance(await smtp_sender.send(MAIL), MaybeSent)
        server.answers["END"] = "250 queued"
        assert isinstance(await smtp_sender.send(MAIL), Accepted), "and nothing of it is read as another mail's answer"
        assert server.connections == 2


@pytest.mark.parametrize("answer", ["251 will forward", "200 fine", "252 cannot say, but take it"])
async def test_every_yes_after_the_data_is_a_yes(answer: str) -> None:
    async with running() as (server, sender):
        server.answers["END"] = answer
        assert isinstance(await sender().send(MAIL), Accepted)


@pytest.mark.parametrize("command", ["MAIL", "RCPT", "DATA"])
@pytest.mark.parametrize("answer", NEITHER)
async def test_before_the_data_an_answer_that_is_neither_leaves_the_mail_certainly_unsent(
    command: str, answer: str
) -> None:
    if (command, answer) == ("DATA", "354 go on"):
        return
    async with running() as (server, sender):
        smtp_sender = sender()
        server.answers[command] = answer
        assert isinstance(await smtp_sender.send(MAIL), NotSent)
        assert server.mails == []
        server.answers[command] = USUAL[command]
        assert isinstance(await smtp_sender.send(MAIL), Accepted)


@pytest.mark.parametrize(("answer", "kind"), [("550 no", MailRefused), ("450 later", NotSent), ("250 OK", NotSent)])
async def test_a_no_to_data_itself_is_a_no(answer: str, kind: type) -> None:
    async with running() as (server, sender):
        server.answers["DATA"] = answer
        assert isinstance(await sender().send(MAIL), kind)
        assert server.mails == []


def test_the_answer_after_the_data_is_waited_for_as_long_as_the_standard_asks() -> None:
    """RFC 5321, 4.5.3.2.6."""
    assert smtp.ANSWERED_WITHIN == 600
    assert SmtpSender("smtp://127.0.0.1:25").longest >= timedelta(seconds=smtp.PREPARED_WITHIN + smtp.ANSWERED_WITHIN)


async def test_a_slow_answer_after_the_data_is_waited_for_and_a_slow_one_before_it_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "TIMEOUT", 0.2)
    async with running() as (server, sender):
        server.after = {"END": 1.0}
        assert isinstance(await sender().send(MAIL), Accepted)
        server.after = {"RCPT": 1.0}
        assert isinstance(await sender().send(MAIL), NotSent)
        assert len(server.mails) == 1


async def test_a_server_that_answers_every_command_late_is_given_up_before_it_has_the_mail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(smtp, "PREPARED_WITHIN", 0.3)
    async with running() as (server, sender):
        server.after = {"MAIL": 0.2, "RCPT": 0.2, "DATA": 0.2}
        outcome = await sender().send(MAIL)
        assert isinstance(outcome, NotSent)
        assert (outcome.unreachable, server.mails) == (True, [])


async def test_an_owner_who_may_not_any_more_is_stopped_before_the_data() -> None:
    async with running() as (server, sender):
        asked: list[bool] = []

        async def no() -> bool:
            asked.append(True)
            return False

        smtp_sender = sender()
        assert await smtp_sender.send(MAIL, no) == Withheld()
        assert (asked, server.mails) == ([True], [])
        assert isinstance(await smtp_sender.send(MAIL), Accepted)


async def test_a_call_that_is_cut_off_takes_its_connection_with_it() -> None:
    """Its answer would be read as the next mail's."""
    async with running() as (server, sender):
        smtp_sender = sender(connections=1)
        server.answer.clear()
        call = asyncio.create_task(smtp_sender.send(MAIL))
        while not server.waiting:  # noqa: ASYNC110 - the condition is a count at the server
            await asyncio.sleep(0.01)
        call.cancel()
        await asyncio.gather(call, return_exceptions=True)
        server.answer.set()
        server.answers["END"] = "550 no"
        assert isinstance(await smtp_sender.send(MAIL), MailRefused)
        assert server.connections == 2
