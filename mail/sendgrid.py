"""SendGrid's mail/send, built by the package's `Mail` helper and posted through one shared httpx client.

The package's own client is not used: it is synchronous, has no time-out and logs its key at debug level.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import httpx
from sendgrid.helpers import mail as sg

from mail.message import Accepted, Mail, Misconfigured, NotSent, Outcome, Refused, Unknown
from mail.sender import Evidence

HOST = "https://api.sendgrid.com"
PERMANENT = frozenset({400, 404, 405, 413})
FORBIDDEN = frozenset({401, 403})


class SendGridSender:
    """Posts one mail per call. `host` differs from SendGrid's own only in tests and for its EU region."""

    name = "sendgrid"

    def __init__(self, api_key: str, host: str = HOST, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._client = httpx.AsyncClient(
            base_url=host,
            headers={"Authorization": f"Bearer {api_key}"},
            timeout=httpx.Timeout(20.0, connect=5.0),
            transport=transport,
        )

    async def send(self, mail: Mail) -> Outcome:
        try:
            answer = await self._client.post("/v3/mail/send", json=request_body(mail))
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout):
            return NotSent()
        except httpx.HTTPError as error:
            return Unknown(explanation=type(error).__name__)
        return outcome_of(answer.status_code, answer.headers)

    async def look_up(self, send_id: str) -> Evidence:
        return "unknowable"

    async def close(self) -> None:
        await self._client.aclose()


def request_body(mail: Mail) -> dict[str, Any]:
    """The JSON of mail/send. Only the opaque send_id goes into custom_args, which SendGrid keeps in the clear."""
    message = sg.Mail(
        from_email=sg.From(mail.sender.email, mail.sender.name),
        to_emails=sg.To(mail.to),
        subject=mail.subject,
        plain_text_content=sg.PlainTextContent(mail.text),
        html_content=sg.HtmlContent(mail.html),
    )
    message.add_custom_arg(sg.CustomArg("send_id", mail.send_id))
    for name, value in mail.headers.items():
        message.add_header(sg.Header(name, value))
    return message.get()


def outcome_of(status: int, headers: Mapping[str, str]) -> Outcome:
    """What SendGrid's status means for the ledger."""
    if status in (200, 202):
        return Accepted(provider_id=headers.get("X-Message-Id") or headers.get("x-message-id"))
    if status == 429:
        return NotSent(wait=_retry_after(headers))
    if status in FORBIDDEN:
        return Misconfigured(explanation=f"SendGrid answered {status}: the API key is refused")
    if status in PERMANENT:
        return Refused(explanation=f"SendGrid answered {status}")
    return Unknown(explanation=f"SendGrid answered {status}")


def _retry_after(headers: Mapping[str, str]) -> timedelta:
    value = headers.get("Retry-After") or headers.get("retry-after") or ""
    return timedelta(seconds=min(int(value), 600)) if value.isdigit() else timedelta(seconds=5)
