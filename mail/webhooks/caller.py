"""One call to another system, or one note to a colleague: made once, with a time-out, and never followed elsewhere.

Calls are signed by Standard Webhooks (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`,
`webhook-signature`. Addresses inside the own network are refused unless they are allowed (SSRF).
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection
from standardwebhooks import Webhook as Signer

from mail.webhooks.answer import HookAnswer

TIMEOUT = httpx.Timeout(10.0)
"""Seconds for each part of a call: connecting, each write, each read."""

AGAIN = frozenset({408, 409, 421, 423, 425, 429})
"""Statuses below 500 that may pass: a time-out, a conflict, a lock, "too early", "too many"."""


class Caller:
    """Calls over kept-alive connections. With `private` addresses inside the own network are called too."""

    def __init__(self, secret: str, *, private: bool = False) -> None:
        self._signer = Signer(secret)
        client = httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False)
        self._client = client if private else httpx_ssrf_protection(client)

    async def call(
        self, hook_id: str, url: str, body: Any, now: datetime, *, method: str = "POST", headers: Mapping[str, str]
    ) -> HookAnswer:
        """One attempt; the same id at each, so that the receiver can tell a repeat.

        It raises nothing that an address or its owner can cause.
        """
        data = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
        signed = {
            **{name.lower(): value for name, value in headers.items()},
            "content-type": "application/json",
            "user-agent": "Waypost",
            "webhook-id": hook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(hook_id, now, data),
        }
        try:
            answer = await self._client.request(method, url, content=data.encode(), headers=signed)
        except SSRFProtectionError:
            return HookAnswer(outcome="failed", error="the address lies inside the own network (WAYPOST_HOOKS_PRIVATE)")
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeError) as error:
            return HookAnswer(outcome="failed", error=f"not a web address: {type(error).__name__}")
        except httpx.HTTPError as error:
            return HookAnswer(outcome="again", error=type(error).__name__)
        if answer.is_success:
            return HookAnswer(outcome="delivered", status=answer.status_code)
        again = answer.status_code >= 500 or answer.status_code in AGAIN
        return HookAnswer(outcome="again" if again else "failed", status=answer.status_code)

    async def close(self) -> None:
        """Give up connections."""
        await self._client.aclose()
