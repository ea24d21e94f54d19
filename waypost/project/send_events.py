"""Events from a file as if your product had sent them now: to the API, in batches, in their order.

Each line is an object in Segment's shape. A line of the type `consent` (userId, topic, granted, source) is what
somebody said about a topic. A line that has no messageId gets one, so that a batch that is lost on the way counts once.
"""

import json
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from services.errors import InvalidInput

if TYPE_CHECKING:
    from waypost.client import Waypost

BATCH = 500
"""Events of one request: well within the 2,500 and 500 KB that the API takes."""

CONSENT = "consent"
"""The type of a line that says what somebody wants to read."""


@dataclass(slots=True)
class SendResult:
    """What became of a file."""

    events: int = 0
    consents: int = 0
    rejected: list[Any] = field(default_factory=list[Any])


def ingest(waypost: "Waypost", file: Path) -> SendResult:
    """Send a whole file; raise InvalidInput, before anything is sent, with the line that is wrong."""
    taken = SendResult()
    for is_consent, group in groupby(list(_lines(file)), key=lambda one: one.get("type") == CONSENT):
        lines: list[Mapping[str, Any]] = list(group)
        if is_consent:
            for one in lines:
                waypost.consent(one["userId"], one["topic"], one["granted"], one.get("source", "a file"))
                taken.consents += 1
            continue
        for start in range(0, len(lines), BATCH):
            answer = waypost.batch(lines[start : start + BATCH])
            taken.events += answer["accepted"]
            taken.rejected += answer.get("rejected") or []
    return taken


def _lines(file: Path) -> Iterator[dict[str, Any]]:
    for number, line in enumerate(file.read_text(encoding="utf-8-sig").splitlines(), start=1):
        if not line.strip():
            continue
        try:
            body: Any = json.loads(line)
        except ValueError as error:
            raise InvalidInput(f"{file}, line {number}: no JSON ({error}); nothing was sent") from None
        missing = _missing(body)
        if missing:
            raise InvalidInput(f"{file}, line {number}: {missing}; nothing was sent")
        yield body if body.get("type") == CONSENT else {"messageId": str(uuid.uuid4()), **body}


def _missing(body: Any) -> str | None:
    if not isinstance(body, dict):
        return "a line is one JSON object"
    if body.get("type") != CONSENT:
        return None
    if not all(isinstance(body.get(name), str) for name in ("userId", "topic")):
        return "a consent names userId and topic"
    return None if isinstance(body.get("granted"), bool) else "a consent says granted: true or false"
