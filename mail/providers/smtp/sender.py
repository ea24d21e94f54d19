"""SMTP, by aiosmtplib: 4xx comes back later, 5xx is final; after the data what is neither yes nor no is unknown.

    smtp://host:25          no encryption: a relay on the same machine
    smtp+starttls://…:587   encrypted after the greeting, or not at all
    smtps://…:465           encrypted from the first byte

    until DATA is granted   certainly not sent, whatever is answered: a no is a no, and anything else comes back later
    after the data          2xx accepted, 4xx later, 5xx refused; a broken line, another code, no line at all: unknown

A connection on which something strange was said, or a call was cut off, is closed: what comes late would be read as
the next mail's answer. Connections are kept and used again. Bounces that come later by mail (DSN) are not read: give
the return path's mailbox to a tool of its own, or use a provider with a webhook.
"""

import asyncio
import re
import ssl
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import errors

from mail.addresses import OnTheWire, on_the_wire
from mail.message import Mail
from mail.mime import as_bytes
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
from mail.providers.smtp.replies import LATER, refusal_of, what_it_says

TIMEOUT = 30.0
"""Seconds for each answer of the server up to the data: whoever gives up sooner than it answers has sent nothing."""

PREPARED_WITHIN = 120.0
"""Seconds from the start of an attempt until the data may go, in all."""

ANSWERED_WITHIN = 600.0
"""Seconds for the answer after the data (RFC 5321, 4.5.3.2.6): servers look at a mail before they answer, and whoever
gives up sooner cannot tell whether it went."""

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
"""The port of each scheme, where the address names none (RFC 5321, 8314 and 6409)."""

IDLE_SECONDS = 20.0
"""A connection that was not used for so long is asked whether it still lives."""

USES = 500
"""Mails after which a connection is replaced: many servers allow some hundred and hang up then, in the middle of the
next."""

GRANTED = 354
"""The one answer to DATA after which a mail may follow."""

LONE_DOT = re.compile(rb"(?m)^\.")
"""A dot that begins a line, which SMTP wants doubled (RFC 5321, 4.5.2)."""


class SmtpSender:
    """Up to `connections` kept-alive connections, each used by one mail at a time.

    A quarter of them are for calls as they should be (`at_once`); the others are there for those whose answer takes
    minutes, for notes and for test mails. `url` is `smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@`
    where the server asks for them (ValueError for anything else); `ca` is a file of certificates to trust beside the
    system's.
    """

    name = "smtp"
    longest = timedelta(seconds=PREPARED_WITHIN + TIMEOUT + ANSWERED_WITHIN)

    def __init__(self, url: str, ca: Path | None = None, connections: int = 32) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("WAYPOST_SMTP_URL must look like smtp+starttls://user:password@host:587")
        self.at_once = max(1, connections // 4)
        trust = _trust(ca) if parts.scheme != "smtp" else None

        def connect() -> aiosmtplib.SMTP:
            return aiosmtplib.SMTP(
                hostname=parts.hostname,
                port=parts.port or PORTS[parts.scheme],
                username=unquote(parts.username) if parts.username else None,
                password=unquote(parts.password) if parts.password else None,
                use_tls=parts.scheme == "smtps",
                start_tls=parts.scheme == "smtp+starttls",
                tls_context=trust,
                timeout=TIMEOUT,
            )

        self._slots = asyncio.Semaphore(connections)
        self._connect = connect
        self._free: list[_Connection] = []

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        """One attempt: PREPARED_WITHIN seconds at most until the mail may go, then ANSWERED_WITHIN for the answer.

        Until DATA is granted nothing can have been sent; after it only an answer tells.
        """
        try:
            to, data = on_the_wire(mail.to), as_bytes(mail)
        except ValueError as error:
            return MailRefused(reason="invalid_address", explanation=str(error))
        async with self._borrowed() as connection:
            try:
                async with asyncio.timeout(PREPARED_WITHIN):
                    problem = await connection.prepare(mail, to)
            except TimeoutError:
                connection.drop()
                return NotSent(unreachable=True, explanation="the SMTP server takes too long over its answers")
            if problem is not None:
                return problem
            return await connection.hand_over(data) if await may_go() else await connection.withhold()

    async def look_up(self, send_id: str) -> Evidence:
        """Unknowable: a mail server keeps no record that could be asked."""
        return "unknowable"

    async def close(self) -> None:
        """Take leave of the server."""
        for connection in self._free:
            await connection.quit()
        self._free.clear()

    @asynccontextmanager
    async def _borrowed(self) -> AsyncGenerator["_Connection", None]:
        async with self._slots:
            connection = self._free.pop() if self._free else _Connection(self._connect)
            try:
                yield connection
            except BaseException:
                connection.drop()
                raise
            finally:
                self._free.append(connection)


def _trust(ca: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if ca is not None:
        context.load_verify_locations(ca)
    return context


class _Connection:
    """One connection; up to DATA nothing can have been sent, and from then on only an answer tells."""

    def __init__(self, make: Callable[[], aiosmtplib.SMTP]) -> None:
        self._make = make
        self._client = make()
        self._used_at = 0.0
        self._uses = 0

    async def prepare(self, mail: Mail, to: OnTheWire) -> SendOutcome | None:
        """Everything before the mail itself; what came of it where the server does not want it, else None."""
        problem = await self._ready()
        if problem is not None:
            return problem
        if to.utf8 and not await self._takes_utf8():
            return MailRefused(explanation="the SMTP server takes no address with letters beyond ASCII (SMTPUTF8)")
        problem = await self._envelope(mail, to)
        self._used_at, self._uses = time.monotonic(), self._uses + 1
        return problem

    async def withhold(self) -> SendOutcome:
        """The envelope was given, and nothing follows it."""
        await self._reset()
        return Withheld()

    def drop(self) -> None:
        """Close the connection at once; the next mail makes a new one."""
        self._client.close()

    async def quit(self) -> None:
        """Close the connection, politely where it lives."""
        try:
            if self._client.is_connected:
                await self._client.quit()
        except (errors.SMTPException, OSError):
            self._client.close()

    async def _ready(self) -> SendOutcome | None:
        """A connection that lives; what came of it where there is none."""
        if self._uses >= USES:
            await self.quit()
        if self._client.is_connected and await self._lives():
            return None
        self._client, self._uses = self._make(), 0
        try:
            await self._client.connect()
        except errors.SMTPAuthenticationError as error:
            self._client.close()
            if error.code < 500:
                return NotSent(unreachable=True, explanation=f"the SMTP server lets nobody in now ({error.code})")
            return Misconfigured(explanation=f"the SMTP server refused our credentials ({error.code})")
        except (errors.SMTPException, OSError) as error:
            self._client.close()
            return NotSent(unreachable=True, explanation=f"the SMTP server cannot be reached: {type(error).__name__}")
        return None

    async def _takes_utf8(self) -> bool:
        try:
            if self._client.is_ehlo_or_helo_needed:
                await self._client.ehlo()
        except (errors.SMTPException, OSError):
            return False
        return self._client.supports_extension("smtputf8")

    async def _lives(self) -> bool:
        if time.monotonic() - self._used_at < IDLE_SECONDS:
            return True
        try:
            await self._client.noop()
        except (errors.SMTPException, OSError):
            self._client.close()
            return False
        return True

    async def _envelope(self, mail: Mail, to: OnTheWire) -> SendOutcome | None:
        """Whom it is from and whom it is for; None where the server takes both."""
        options = ["SMTPUTF8"] if to.utf8 else []
        try:
            await self._client.mail(mail.sender.email, options=options, encoding="utf-8" if to.utf8 else "ascii")
        except errors.SMTPResponseException as error:
            problem = await self._unsent(error.code)
            if what_it_says(error.code) == "no":
                return Misconfigured(explanation=f"the SMTP server takes no mail from our sender ({error.code})")
            return NotSent(wait=LATER) if what_it_says(error.code) == "later" else problem
        except (errors.SMTPException, OSError):
            return self._lost()
        try:
            await self._client.rcpt(to.text, encoding="utf-8" if to.utf8 else "ascii")
        except errors.SMTPResponseException as error:
            return await self._unsent(error.code)
        except (errors.SMTPException, OSError):
            return self._lost()
        return None

    async def _unsent(self, code: int) -> SendOutcome:
        """What an answer other than yes means before the data."""
        if what_it_says(code) in ("later", "no"):
            await self._reset()
            return refusal_of(code)
        self._client.close()
        return NotSent(wait=LATER, lane=False, explanation="the SMTP server answered neither yes nor no")

    def _lost(self) -> SendOutcome:
        """The connection went before anything was sent: one that had idled is replaced at once, a fresh one tells."""
        self._client.close()
        if self._uses:
            return NotSent(wait=timedelta(), lane=False)
        return NotSent(unreachable=True, explanation="the SMTP server hangs up before it takes a mail")

    async def hand_over(self, data: bytes) -> SendOutcome:
        """The mail itself. From its first byte on only an answer tells whether it went."""
        try:
            code, _ = await self._client.execute_command(b"DATA", timeout=TIMEOUT)
        except errors.SMTPResponseException as error:
            return await self._unsent(error.code)
        except (errors.SMTPException, OSError):
            return self._lost()
        if code != GRANTED:
            return await self._unsent(code)
        try:
            code, answer = await self._answer_to(LONE_DOT.sub(b"..", data))
        except errors.SMTPResponseException as error:
            code, answer = error.code, ""
        except (errors.SMTPException, OSError) as error:
            self._client.close()
            return MaybeSent(explanation=type(error).__name__)
        match what_it_says(code):
            case "yes":
                return Accepted(provider_id=answer[:200])
            case "later" | "no":
                return refusal_of(code)
            case "nothing":
                self._client.close()
                return MaybeSent(explanation="the SMTP server answered neither yes nor no")

    async def _answer_to(self, data: bytes) -> tuple[int, str]:
        protocol = self._client.protocol
        if protocol is None:
            raise errors.SMTPServerDisconnected("connection lost")
        protocol.write(data + (b".\r\n" if data.endswith(b"\r\n") else b"\r\n.\r\n"))
        return await protocol.read_response(timeout=ANSWERED_WITHIN)

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (errors.SMTPException, OSError):
            self._client.close()
