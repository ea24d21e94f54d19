"""What came of one call to another system."""

from dataclasses import dataclass
from typing import Literal

Outcome = Literal["delivered", "failed", "again"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back; `again` says that another attempt may do better."""

    outcome: Outcome
    status: int | None = None
    error: str | None = None
