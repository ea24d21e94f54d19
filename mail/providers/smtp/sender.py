"""SMTP, by aiosmtplib: 4xx comes back later, 5xx is final, a connection lost after DATA is unknown.

    smtp://host:25          no encryption: a relay on the same machine
    smtp+starttls://…:587   encrypted after the greeting, or not at all
    smtps://…:465           encrypted from the first byte

Connections are kept and used again. Bounces that come later by mail (DSN) are not read: give the return path's mailbox
to a tool of its own, or use a provider with a webhook.
"""

import asyncio
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
from mail.providers.sender import Accepted, Evidence, MailRefused, MaybeSent, Misconfigured, NotSent, SendOutcome

TIMEOUT = 30.0
"""Seconds for each answer of the server."""

PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}
"""The port of each scheme, where the address names none (RFC 5321, 8314 and 6409)."""

IDLE_SECONDS = 20.0
"""A connection that was not used for so long is asked whether it still lives."""

USES = 500
"""Mails after which a connection is replaced: many servers allow some hundred and hang up then, in the middle of the
next."""

LATER = timedelta(minutes=1)
"""Until a mail that got a 4xx is tried again; greylisting asks for some minutes, and gets them in as many attempts."""


class SmtpSender:
    """Up to `connections` kept-alive connections, each used by one mail at a time.

    `url` is `smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@` where the server asks for them
    (ValueError for anything else); `ca` is a file of certificates to trust beside the system's.
    """

    name = "smtp"

    def __init__(self, url: str, ca: Path | None = None, connections: int = 8) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("WAYPOST_SMTP_URL must look like smtp+starttls://user:password@host:587")
        self.at_once = connections
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

    async def send(self, mail: Mail) -> SendOutcome:
        """One attempt, of TIMEOUT seconds at most for each answer of the server.

        Up to DATA nothing can have been sent; after it only an answer tells.
        """
        try:
            to = on_the_wire(mail.to)
        except ValueError as error:
            return MailRefused(reason="invalid_address", explanation=str(error))
        async with self._borrowed() as connection:
            return await connection.send(mail, to)

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

    async def send(self, mail: Mail, to: OnTheWire) -> SendOutcome:
        problem = await self._ready()
        if problem is not None:
            return problem
        if to.utf8 and not await self._takes_utf8():
            return MailRefused(explanation="the SMTP server takes no address with letters beyond ASCII (SMTPUTF8)")
        outcome = await self._envelope(mail, to) or await self._data(mail)
        self._used_at, self._uses = time.monotonic(), self._uses + 1
        return outcome

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
            await self._reset()
            if error.code >= 500:
                return Misconfigured(explanation=f"the SMTP server takes no mail from our sender ({error.code})")
            return NotSent(wait=LATER)
        except (errors.SMTPException, OSError):
            return self._lost()
        try:
            await self._client.rcpt(to.text, encoding="utf-8" if to.utf8 else "ascii")
        except errors.SMTPResponseException as error:
            await self._reset()
            return _refused(error)
        except (errors.SMTPException, OSError):
            return self._lost()
        return None

    def _lost(self) -> SendOutcome:
        """The connection went before anything was sent: one that had idled is replaced at once, a fresh one tells."""
        self._client.close()
        if self._uses:
            return NotSent(wait=timedelta(), lane=False)
        return NotSent(unreachable=True, explanation="the SMTP server hangs up before it takes a mail")

    async def _data(self, mail: Mail) -> SendOutcome:
        try:
            _, answer = await self._client.data(as_bytes(mail))
        except errors.SMTPResponseException as error:
            await self._reset()
            return _refused(error)
        except (errors.SMTPException, OSError) as error:
            self._client.close()
            return MaybeSent(explanation=type(error).__name__)
        return Accepted(provider_id=answer[:200])

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (errors.SMTPException, OSError):
            self._client.close()


def _refused(error: errors.SMTPResponseException) -> SendOutcome:
    """What the server says of this mail; 421 is about all of them."""
    if 400 <= error.code < 500:
        return NotSent(wait=LATER, lane=error.code == 421)
    return MailRefused(explanation=f"the SMTP server answered {error.code}")
