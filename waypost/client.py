"""The API as the command line uses it.

ApiProblem              the API refused; `detail` says what to do
Unreachable             nothing answers at the address
"""

from typing import Any

import httpx

from waypost.errors import ApiProblem, Unreachable
from waypost.settings import Settings


class Client:
    """A small client with the key that `waypost up` left in the home."""

    def __init__(self, settings: Settings) -> None:
        key = settings.admin_key or (settings.key_file.read_text().strip() if settings.key_file.exists() else "")
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._url = settings.url
        self._http = httpx.Client(base_url=settings.url, headers=headers, timeout=30, trust_env=False)

    def call(self, method: str, path: str, **options: Any) -> Any:
        """One request; the parsed answer."""
        try:
            answer = self._http.request(method, path, **options)
        except httpx.TransportError:
            raise Unreachable(f"nothing answers at {self._url}; start it with `waypost up`") from None
        try:
            body = answer.json()
        except ValueError:
            body = {}
        if answer.status_code >= 400:
            raise ApiProblem(answer.status_code, body)
        return body
