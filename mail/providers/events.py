"""The seam to a provider's reports: what it says of a mail afterwards, in our words.

    EventReader(body, headers) → Report         raises BadSignature, BadReport

A provider's own words stand in a table of its `events`; one that is not in it is `unknown`, and its own word is the
reason. What is not about a mail of ours is left out: an account may send other mail. An event of ours that cannot be
read is counted and harms none of its neighbours. No address of a person leaves this room.

    BadSignature        not signed by the provider, or changed on its way      the caller forbids it
    BadReport           signed, and no report at all                           the caller says what is wrong
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

EventKind = Literal[
    "accepted", "deferred", "delivered", "bounced", "blocked", "dropped", "opened", "clicked", "complained",
    "unsubscribed", "resubscribed", "unknown",
]  # fmt: skip
"""What can be told of a mail; every provider's own words are read as one of these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Feedback:
    """One thing that happened to a mail. `machine`: no person did it; `name` is the provider's own id of it."""

    send_id: str
    kind: EventKind
    at: datetime
    url: str | None = None
    reason: str | None = None
    machine: bool = False
    name: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What a provider posted: what happened, in its order, and how many events of ours could not be read."""

    feedback: Sequence[Feedback]
    unreadable: int = 0


class BadSignature(Exception):
    """The report was not signed by the provider, or was changed on its way."""


class BadReport(ValueError):
    """The report is signed and cannot be read."""


EventReader = Callable[[bytes, Mapping[str, str]], Report]
"""Reads a report from its body and headers, whose names are in lower case; raises BadSignature or BadReport."""
