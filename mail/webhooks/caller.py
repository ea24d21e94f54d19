"""One call to another system, or one note to a colleague: made once, with a time-out, and never followed elsewhere.

Calls are signed by Standard Webhooks (https://www.standardwebhooks.com): `webhook-id`, `webhook-timestamp`,
`webhook-signature`. Addresses inside the own network are refused unless they are allowed (SSRF).
"""

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any

import httpx
from httpx_secure import SSRFProtectionError, httpx_ssrf_protection
from standardwebhooks import Webhook as Signer

from mail.webhooks.answer import HookAnswer
from mail.webhooks.reachable import Lookups, ResolveName, is_reachable, resolved

SECONDS = 10.0
"""For a whole call, from the look-up of the name to the end of the answer."""

LARGEST = 64 * 1024
"""Bytes of an answer's body that are read and thrown away, so that the connection can be kept. Its status decides."""

LIMITS = httpx.Limits(max_connections=640, max_keepalive_connections=32)
"""Connections: more than the lane has calls, so that none waits for another's."""

AGAIN = frozenset({408, 409, 421, 423, 425, 429})
"""Statuses below 500 that may pass: a time-out, a conflict, a lock, "too early", "too many"."""

PORTS = {"http": 80, "https": 443}
"""The port of each scheme, where an address names none."""

INSIDE = "the address lies inside the own network (WAYPOST_HOOKS_PRIVATE)"
"""Why an address is refused."""


class Caller:
    """Calls over kept-alive connections; `secret` signs them.

    With `private` addresses inside the own network are called too. A call lasts `seconds` at most, and `resolve` looks
    names up.
    """

    def __init__(
        self, secret: str, *, private: bool = False, seconds: float = SECONDS, resolve: ResolveName = resolved
    ) -> None:
        self._signer = Signer(secret)
        self._seconds = seconds
        client = httpx.AsyncClient(timeout=None, limits=LIMITS, follow_redirects=False, trust_env=False)
        self._client = client if private else httpx_ssrf_protection(client, custom_validator=is_reachable)
        self._lookups = None if private else Lookups(resolve)

    async def call(
        self, hook_id: str, url: str, body: Any, now: datetime, *, method: str = "POST", headers: Mapping[str, str]
    ) -> HookAnswer:
        """One attempt; the same id at each, so that the receiver can tell a repeat. Our own headers come first.

        It raises nothing that an address or its owner can cause.
        """
        try:
            data = json.dumps(body, separators=(",", ":"), ensure_ascii=False)
            sent = {name.lower(): value for name, value in headers.items()} | self._ours(hook_id, data, now)
            named = [(name.encode(), value.encode()) for name, value in sent.items()]
            request = self._client.build_request(method, url, content=data.encode(), headers=named)
            return _judged(await self._status(request))
        except SSRFProtectionError:
            return HookAnswer(outcome="failed", error=INSIDE)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            return HookAnswer(outcome="failed", error=f"not a web address: {type(error).__name__}")
        except (httpx.LocalProtocolError, UnicodeError):
            return HookAnswer(outcome="failed", error="the headers or the body cannot be sent")
        except TimeoutError:
            return HookAnswer(outcome="again", error=f"no answer within {self._seconds:g} seconds")
        except OSError:
            return HookAnswer(outcome="again", error="the name has no address")
        except httpx.HTTPError as error:
            return HookAnswer(outcome="again", error=type(error).__name__)

    def _ours(self, hook_id: str, data: str, now: datetime) -> dict[str, str]:
        return {
            "accept-encoding": "identity",
            "content-length": str(len(data.encode())),
            "content-type": "application/json",
            "user-agent": "Waypost",
            "webhook-id": hook_id,
            "webhook-timestamp": str(int(now.timestamp())),
            "webhook-signature": self._signer.sign(hook_id, now, data),
        }

    async def _status(self, request: httpx.Request) -> int:
        """The status of an answer. Who sends its body without end, or ever so slowly, has answered all the same."""
        deadline = asyncio.get_running_loop().time() + self._seconds
        async with asyncio.timeout_at(deadline):
            await self._refuse_the_own_network(request)
            answer = await self._client.send(request, stream=True)
        try:
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout_at(deadline):
                    await _drain(answer)
        finally:
            await answer.aclose()
        return answer.status_code

    async def _refuse_the_own_network(self, request: httpx.Request) -> None:
        """Before anything is connected to; the client's guard looks again at what it does connect to."""
        if self._lookups is None:
            return
        host, port = request.url.raw_host.decode(), request.url.port or PORTS.get(request.url.scheme)
        if not host or port is None:
            raise httpx.UnsupportedProtocol(request.url.scheme, request=request)
        if not await self._lookups.all_reachable(host, port):
            raise SSRFProtectionError(INSIDE, request=request, hostname=host, ip_addr=None, port=port)

    async def close(self) -> None:
        """Give up connections."""
        await self._client.aclose()
        if self._lookups is not None:
            self._lookups.close()


def _judged(status: int) -> HookAnswer:
    if 200 <= status < 300:
        return HookAnswer(outcome="delivered", status=status)
    again = status >= 500 or status in AGAIN
    return HookAnswer(outcome="again" if again else "failed", status=status)


async def _drain(answer: httpx.Response) -> None:
    size = 0
    async for chunk in answer.aiter_raw():
        size += len(chunk)
        if size > LARGEST:
            return
