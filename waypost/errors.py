"""Why a command cannot do its work. Here, since they are cheap to import and everybody speaks of them.

CannotStart             nothing was started; a sentence that says what to do
ApiProblem              the API refused (RFC 9457): `code`, `detail` and `path` say what to change
Unreachable             nothing answers at the address
NotDone                 an operation that was waited for has failed, or was cancelled
"""

from collections.abc import Mapping
from typing import Any

PREFIX = "urn:waypost:problem:"
"""How the types of problems begin."""


class CannotStart(Exception):
    """Nothing was started."""


class ApiProblem(Exception):
    """An answer of 4xx or 5xx. `code` is the last part of the problem's type, `path` the faulty field."""

    def __init__(self, status: int, body: Mapping[str, Any]) -> None:
        super().__init__(body.get("detail") or body.get("message") or f"the API answered {status}")
        self.status = status
        self.body = dict(body)
        self.code = str(body.get("type", "")).removeprefix(PREFIX)
        self.path = body.get("path")


class Unreachable(Exception):
    """The API does not answer."""


class NotDone(Exception):
    """An operation ended without its result."""
