"""What a provider reports about a mail afterwards, in our words; each provider's own are in its own module."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

Kind = Literal[
    "accepted", "deferred", "delivered", "bounced", "blocked", "dropped", "opened", "clicked", "complained",
    "unsubscribed",
]  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One thing that happened to a mail. `machine`: no person did it; `name` is the provider's own id of it."""

    send_id: str
    kind: Kind
    at: datetime
    url: str | None = None
    reason: str | None = None
    machine: bool = False
    name: str | None = None


class BadSignature(Exception):
    """The report was not signed by the provider, or was changed on its way."""


class BadReport(ValueError):
    """The report is signed and cannot be read."""


Receiver = Callable[[bytes, Mapping[str, str]], Sequence[Feedback]]
"""Reads a report from its body and headers; raises BadSignature or BadReport."""
