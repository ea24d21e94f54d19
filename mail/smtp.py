"""SMTP, by aiosmtplib: 4xx comes back later, 5xx is final, a connection lost after DATA is unknown."""

import asyncio
from datetime import timedelta
from urllib.parse import unquote, urlsplit

import aiosmtplib
from aiosmtplib import errors

from mail.message import Accepted, Mail, Misconfigured, NotSent, Outcome, Refused, Unknown, as_mime
from mail.sender import Evidence

TIMEOUT = 30.0
PORTS = {"smtp": 25, "smtps": 465, "smtp+starttls": 587}


class SmtpSender:
    """One kept-alive connection, used by one mail at a time.

    `url` is `smtp://`, `smtp+starttls://` or `smtps://`, with `user:password@` where the server asks for them.
    """

    name = "smtp"

    def __init__(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in PORTS or not parts.hostname:
            raise ValueError("WAYPOST_SMTP_URL must look like smtp+starttls://user:password@host:587")
        self._turn = asyncio.Lock()
        self._client = aiosmtplib.SMTP(
            hostname=parts.hostname,
            port=parts.port or PORTS[parts.scheme],
            username=unquote(parts.username) if parts.username else None,
            password=unquote(parts.password) if parts.password else None,
            use_tls=parts.scheme == "smtps",
            start_tls=parts.scheme == "smtp+starttls",
            timeout=TIMEOUT,
        )

    async def send(self, mail: Mail) -> Outcome:
        async with self._turn:
            problem = await self._connect()
            return problem or await self._deliver(mail)

    async def look_up(self, send_id: str) -> Evidence:
        return "unknowable"

    async def close(self) -> None:
        if self._client.is_connected:
            await self._client.quit()

    async def _connect(self) -> Outcome | None:
        if self._client.is_connected:
            try:
                await self._client.noop()
                return None
            except errors.SMTPException:
                self._client.close()
        try:
            await self._client.connect()
        except errors.SMTPAuthenticationError as error:
            return Misconfigured(explanation=f"the SMTP server refused our credentials ({error.code})")
        except (errors.SMTPException, OSError):
            return NotSent(wait=timedelta(seconds=5))
        return None

    async def _deliver(self, mail: Mail) -> Outcome:
        """Up to DATA nothing can have been sent; from then on only an answer tells."""
        try:
            await self._client.mail(mail.sender.email)
            await self._client.rcpt(mail.to)
        except errors.SMTPResponseException as error:
            await self._reset()
            return _refused(error)
        except (errors.SMTPException, OSError):
            self._client.close()
            return NotSent()
        return await self._data(mail)

    async def _data(self, mail: Mail) -> Outcome:
        try:
            _, answer = await self._client.data(as_mime(mail).as_bytes())
        except errors.SMTPResponseException as error:
            await self._reset()
            return _refused(error)
        except (errors.SMTPException, OSError) as error:
            self._client.close()
            return Unknown(explanation=type(error).__name__)
        return Accepted(provider_id=answer[:200])

    async def _reset(self) -> None:
        try:
            await self._client.rset()
        except (errors.SMTPException, OSError):
            self._client.close()


def _refused(error: errors.SMTPResponseException) -> Outcome:
    if 400 <= error.code < 500:
        return NotSent(wait=timedelta(seconds=60), lane=error.code == 421)
    return Refused(explanation=f"the SMTP server answered {error.code}")
