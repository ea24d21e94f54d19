"""Requests with retries that are safe: what was lost, or refused for a moment, is asked again under the same key."""

import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from waypost.errors import ApiProblem, Unreachable

ATTEMPTS = 4
"""Waits double between them, from 0.2 s where the answer was lost, from 0.5 s where it was refused: 3.5 s at most."""

LONGEST_WAIT = 30.0
"""Seconds, whatever `Retry-After` asks for: a caller would rather hear of it."""

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same may succeed: too many requests, or nobody behind the proxy for now."""


class Transport:
    """One connection pool with a key; `timeout` is seconds for one attempt, of which there are `attempts` at most.

    Tests hand in a `transport`, and a `sleep` that takes no time.
    """

    def __init__(
        self,
        url: str,
        key: str | None,
        timeout: float,
        transport: httpx.BaseTransport | None,
        sleep: Callable[[float], None] = time.sleep,
        attempts: int = ATTEMPTS,
    ) -> None:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self.url = url
        self._sleep = sleep
        self._attempts = attempts
        self._http = httpx.Client(base_url=url, headers=headers, timeout=timeout, trust_env=False, transport=transport)

    def call(self, method: str, path: str, *parts: str, **options: Any) -> Any:
        """One request, made again where that is safe; `parts` fill the path's places. Returns the parsed answer."""
        return self.answer(method, path, *parts, **options).body

    def answer(self, method: str, path: str, *parts: str, **options: Any) -> "ParsedAnswer":
        """The same with the answer's ETag. Raises ApiProblem for 4xx and 5xx, Unreachable where nothing answers."""
        headers = dict(options.pop("headers", None) or {})
        if method == "POST":
            headers.setdefault("Idempotency-Key", uuid.uuid4().hex)
        params = {name: value for name, value in (options.pop("params", None) or {}).items() if value is not None}
        filled = path.format(*(quote(part, safe="") for part in parts))
        return self._ask(method, filled, headers=headers, params=params, **options)

    def _ask(self, method: str, path: str, **options: Any) -> "ParsedAnswer":
        for attempt in range(self._attempts):
            last = attempt == self._attempts - 1
            try:
                got = self._http.request(method, path, **options)
            except httpx.ConnectError:
                raise Unreachable(f"nothing answers at {self.url}; start it with `waypost up`") from None
            except httpx.TransportError as error:
                if last:
                    raise Unreachable(f"no answer from {self.url}: {type(error).__name__}") from None
                self._sleep(0.2 * 2**attempt)
                continue
            if (got.status_code in AGAIN or _collided(got)) and not last:
                self._sleep(_wait(got, attempt))
                continue
            return _read(got)
        raise AssertionError("unreachable")

    def lines(self, path: str, *parts: str, params: Mapping[str, Any]) -> Iterator[str]:
        """The lines of an answer of any length, each with its end, as they come.

        Raise ApiProblem for 4xx and 5xx, Unreachable where nothing answers or the connection is lost on the way.
        """
        filled = path.format(*(quote(part, safe="") for part in parts))
        said = {name: value for name, value in params.items() if value is not None}
        try:
            with self._http.stream("GET", filled, params=said) as got:
                if got.status_code >= 400:
                    got.read()
                    _read(got)
                yield from _lines(got.iter_bytes())
        except httpx.TransportError as error:
            raise Unreachable(f"no answer from {self.url}: {type(error).__name__}") from None

    def close(self) -> None:
        """Close the connections; requests after that fail."""
        self._http.close()


class ParsedAnswer:
    """The body, parsed where it is JSON and text where not; and the ETag, None where the call gives none."""

    def __init__(self, body: Any, etag: str | None) -> None:
        self.body = body
        self.etag = etag


def _lines(parts: Iterable[bytes]) -> Iterator[str]:
    """At line feeds alone: what else ends a line may stand within a text of JSON."""
    rest = b""
    for part in parts:
        *whole, rest = (rest + part).split(b"\n")
        yield from (f"{line.decode()}\n" for line in whole)
    if rest:
        yield rest.decode()


def _collided(got: httpx.Response) -> bool:
    """Somebody else wrote the same thing at the same moment; nothing was done, so it may be asked again at once."""
    return got.status_code == 409 and b"urn:waypost:problem:collision" in got.content


def _wait(got: httpx.Response, attempt: int) -> float:
    said = got.headers.get("Retry-After", "")
    return min(float(said), LONGEST_WAIT) if said.isdigit() else 0.5 * 2**attempt


def _read(got: httpx.Response) -> ParsedAnswer:
    try:
        body = got.json() if got.content and "json" in got.headers.get("content-type", "") else got.text
    except ValueError:
        body = {}
    if got.status_code >= 400:
        raise ApiProblem(got.status_code, body if isinstance(body, dict) else {"detail": str(body)[:300]})
    return ParsedAnswer(body, got.headers.get("etag"))
