"""Why a command cannot do its work.

CannotStart             nothing was started; a sentence that says what to do
ApiProblem              the API refused; its detail says what to do
Unreachable             nothing answers at the address
"""

from typing import Any


class CannotStart(Exception):
    """Nothing was started."""


class ApiProblem(Exception):
    """An answer of 4xx or 5xx."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        super().__init__(body.get("detail") or body.get("message") or f"the API answered {status}")
        self.status = status
        self.body = body


class Unreachable(Exception):
    """The API does not answer."""
