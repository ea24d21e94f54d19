"""SendGrid's mail/send, built by the package's `Mail` helper and posted through one shared httpx client.

The package's own client is not used: it is synchronous, has no time-out and logs its key at debug level.

    202, 200             accepted                     400, 404, 405, 413   refused for good
    429, no connection   certainly not sent           401, 403             the channel is misconfigured
    5xx, time-out, cut   unknown: it may have gone
"""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from typing import Any, cast

import httpx
from sendgrid.helpers import mail as sg

from mail.addresses import on_the_wire
from mail.message import Mail
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

HOST = "https://api.sendgrid.com"
"""The API of everybody's account but those of the EU region, who have one of their own."""

PERMANENT = frozenset({400, 404, 405, 413})
"""The request is wrong, and always will be."""

FORBIDDEN = frozenset({401, 403})
"""The key is wrong, or may not send."""

WITHIN = 60.0
"""Seconds for a call as a whole, whatever drips: its parts have 20 each."""

BESIDE = 20
"""Connections beyond those for mails of a lane, so that none of these waits behind look-ups, notes and test mails."""

LONGEST_WAIT = 600
"""Seconds of a `Retry-After` that are believed; whoever asks for more is asked again then."""


class SendGridSender:
    """Posts one mail per call. `host` differs from SendGrid's own only in tests and for its EU region.

    With `log` a lost answer is looked up in the Email Activity Feed, which not every account has.
    """

    name = "sendgrid"
    at_once = 20
    """Kept-alive connections; with an answer in a tenth of a second they carry 200 mails a second."""
    longest = timedelta(seconds=WITHIN)

    def __init__(
        self, api_key: str, host: str = HOST, transport: httpx.AsyncBaseTransport | None = None, *, log: bool = False
    ) -> None:
        self._log = log
        self._client = httpx.AsyncClient(
            base_url=host,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(20.0, connect=5.0),
            limits=httpx.Limits(max_connections=self.at_once + BESIDE, keepalive_expiry=60),
            transport=transport,
            trust_env=False,
        )

    async def send(self, mail: Mail, may_go: MayGo = always) -> SendOutcome:
        """One attempt, of WITHIN seconds at most (5 of them to connect).

        A time-out while it connects is certainly not sent; any other is MaybeSent.
        """
        try:
            body = request_body(mail)
        except ValueError as error:
            return MailRefused(reason="invalid_address", explanation=str(error))
        return await self._post(body) if await may_go() else Withheld()

    async def _post(self, body: dict[str, Any]) -> SendOutcome:
        try:
            async with asyncio.timeout(WITHIN):
                answer = await self._client.post("/v3/mail/send", json=body)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            return NotSent(unreachable=True, explanation=f"SendGrid cannot be reached: {type(error).__name__}")
        except httpx.PoolTimeout:
            return NotSent(lane=False)
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            return MaybeSent(explanation=type(error).__name__)
        return outcome_of(answer.status_code, answer.headers, _explained(answer))

    async def look_up(self, send_id: str) -> Evidence:
        """Evidence that SendGrid has it. That the log does not name it proves nothing: it may be late."""
        if not self._log:
            return "unknowable"
        query = {"limit": "1", "query": f"(unique_args['send_id']=\"{send_id}\")"}
        try:
            answer = await self._client.get("/v3/messages", params=query)
            found: Any = answer.json() if answer.status_code == 200 else {}
        except (httpx.HTTPError, httpx.StreamError, ValueError):
            return "unknowable"
        return "accepted" if isinstance(found, dict) and cast(dict[str, Any], found).get("messages") else "unknowable"

    async def close(self) -> None:
        """Give up connections."""
        await self._client.aclose()


def request_body(mail: Mail) -> dict[str, Any]:
    """The JSON of mail/send. Only the opaque send_id goes into custom_args, which SendGrid keeps in the clear.

    SendGrid's own tracking is off: links are led by way of us, once. Raise ValueError where the address cannot be
    written.
    """
    message = sg.Mail(
        from_email=sg.From(mail.sender.email, mail.sender.name),
        to_emails=sg.To(on_the_wire(mail.to).text),
        subject=mail.subject,
        plain_text_content=sg.PlainTextContent(mail.text),
        html_content=sg.HtmlContent(mail.html),
    )
    if mail.reply_to is not None:
        message.reply_to = sg.ReplyTo(mail.reply_to)
    message.add_custom_arg(sg.CustomArg("send_id", mail.send_id))
    for name, value in mail.headers.items():
        message.add_header(sg.Header(name, value))
    message.tracking_settings = sg.TrackingSettings(
        click_tracking=sg.ClickTracking(enable=False, enable_text=False), open_tracking=sg.OpenTracking(enable=False)
    )
    return message.get()


def outcome_of(status: int, headers: Mapping[str, str], explanation: str = "") -> SendOutcome:
    """What SendGrid's status means for the ledger.

    A 429 without a `Retry-After` in seconds waits for five.
    """
    why = f"SendGrid answered {status}" + (f": {explanation}" if explanation else "")
    if status in (200, 202):
        return Accepted(provider_id=headers.get("X-Message-Id") or headers.get("x-message-id"))
    if status == 429:
        return NotSent(wait=_retry_after(headers))
    if status in FORBIDDEN:
        return Misconfigured(explanation=f"SendGrid answered {status}: the API key is refused")
    if status in PERMANENT:
        return MailRefused(explanation=why)
    return MaybeSent(explanation=f"SendGrid answered {status}")


def _explained(answer: httpx.Response) -> str:
    """The errors that it names, without the addresses that stand in them."""
    try:
        body: Any = answer.json() if answer.status_code in PERMANENT else {}
        errors: list[dict[str, Any]] = body.get("errors") or []
        texts = [f"{one.get('field') or ''} {one.get('message') or ''}".strip() for one in errors]
    except (ValueError, AttributeError):
        return ""
    words = "; ".join(texts).split()
    return " ".join("…" if "@" in word else word for word in words)[:200]


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    value = headers.get("Retry-After") or headers.get("retry-after") or ""
    return timedelta(seconds=min(int(value), LONGEST_WAIT)) if value.isdigit() else timedelta(seconds=5)
