"""What came of one call to another system, or of one note to a colleague."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True, kw_only=True)
class HookAnswer:
    """`delivered`; `failed` for good; or `again`, where another attempt may do better.

    `status` is the HTTP status, None where nobody answered; `error` says why, and names nothing personal.
    """

    outcome: Literal["delivered", "failed", "again"]
    status: int | None = None
    error: str | None = None
