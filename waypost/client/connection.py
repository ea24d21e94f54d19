"""What every call goes through: one connection, lists that read on page by page, changes that name what they saw."""

from collections.abc import Iterator, Mapping
from typing import Any, Self

import httpx

from waypost.client.transport import ATTEMPTS, ParsedAnswer, Transport

JsonObject = Mapping[str, Any]
"""An object of JSON, as Python reads it."""


class Connection:
    """A connection to one Waypost, whose calls stand in the subclasses."""

    def __init__(
        self,
        url: str,
        key: str | None = None,
        *,
        timeout: float = 30,
        transport: httpx.BaseTransport | None = None,
        attempts: int = ATTEMPTS,
    ) -> None:
        self._transport = Transport(url, key, timeout, transport, attempts=attempts)

    def __enter__(self) -> Self:
        """The client itself, whose connections are closed at the end of the block."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close its connections; what was raised in the block goes on."""
        self.close()

    def close(self) -> None:
        """Close its connections; calls after that fail."""
        self._transport.close()

    def call(self, method: str, path: str, *parts: str, **options: Any) -> Any:
        """Any call by its path, for what has no name here: `call("GET", "/v1/customers/{}", "17")`.

        `parts` fill the path's places, quoted; `options` are those of an httpx request (`json`, `params`, `content`,
        `headers`). Returns the parsed JSON, or text where the answer is none.
        """
        return self._transport.call(method, path, *parts, **options)

    def _list(self, path: str, *parts: str, **filters: Any) -> Iterator[Any]:
        cursor: str | None = None
        while True:
            page = self.call("GET", path, *parts, params={**filters, "cursor": cursor})
            yield from page["items"]
            cursor = page["cursor"]
            if cursor is None:
                return

    def _put(self, path: str, *parts: str, if_match: str | None = None, **options: Any) -> ParsedAnswer:
        headers = {"If-Match": if_match} if if_match else {}
        return self._transport.answer("PUT", path, *parts, headers=headers, **options)
