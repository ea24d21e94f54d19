"""What the form of a broadcast holds: the mail, whom it is for, when and how fast; as the API's call takes it.

What the form has no field for (variants, a test, hours, priority) stays as it was.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Form

from api.edge import form_values
from journeys.facts import calendar
from journeys.program.send_terms import GENERAL
from readers import dates
from services.definitions.broadcast_definition import BroadcastIn
from services.errors import InvalidInput

WhoseClock = Literal["mine", "theirs"]
"""By whose clock an hour is meant: the reader's, or each customer's own."""

SHOWN = ("name", "segment", "template", "subject", "topic", "at", "local", "late", "expires", "rate")
"""What the form has a field for."""


class WrittenBroadcast:
    """The form, as it was typed; `guard` is a condition of which a segment is to be made."""

    def __init__(
        self,
        name: Annotated[str, Form(max_length=200)] = "",
        segment: Annotated[str, Form(max_length=63)] = "",
        guard: Annotated[str, Form(max_length=4_000)] = "",
        template: Annotated[str, Form(max_length=63)] = "",
        subject: Annotated[str, Form(max_length=400)] = "",
        topic: Annotated[str, Form(max_length=63)] = "",
        at: Annotated[str, Form(max_length=40)] = "",
        clock: Annotated[WhoseClock, Form()] = "mine",
        late: Annotated[Literal["send", "skip"], Form()] = "send",
        expires: Annotated[str, Form(max_length=100)] = "",
        rate: Annotated[str, Form(max_length=40)] = "",
        seen: Annotated[str, Form(max_length=64)] = "",
    ) -> None:
        self.name, self.segment, self.guard = name.strip(), segment, guard.strip()
        self.template, self.subject, self.topic = template, subject, topic.strip()
        self.at, self.clock, self.late = at.strip(), clock, late
        self.expires, self.rate, self.seen = expires.strip(), rate.strip(), seen

    def body(self, kept: Mapping[str, Any], zone: ZoneInfo, segment: str) -> BroadcastIn:
        """The whole; `kept` is what stands there now. Raise InvalidInput with the field."""
        varied = bool(kept.get("variants"))
        written = {
            "name": self.name or None,
            "segment": segment or None,
            "template": None if varied else self.template or None,
            "subject": None if varied else self.subject or None,
            "topic": self.topic or GENERAL,
            "at": self._instant(zone),
            "local": self.clock == "theirs" and bool(self.at),
            "late": self.late,
            "rate": self.rate or None,
            **({"expires": self.expires} if self.expires else {}),
        }
        others = {name: value for name, value in kept.items() if name not in SHOWN}
        return form_values.read(BroadcastIn, {**others, **written})

    def _instant(self, zone: ZoneInfo) -> str | None:
        """As the call takes it: with `local` a time of no zone, else the reader's with its offset."""
        if not self.at:
            return None
        at = dates.read(self.at)
        if not isinstance(at, datetime):
            raise InvalidInput(f"at: {self.at!r} is no time; it looks like 2026-12-01T09:00", "at")
        if self.clock == "theirs":
            return at.replace(tzinfo=None).isoformat(timespec="minutes")
        return (at if at.tzinfo else calendar.resolve(at, zone)).astimezone(zone).isoformat()


def of(body: BroadcastIn | None, zone: ZoneInfo) -> WrittenBroadcast:
    """A broadcast as the form holds it; of None an empty form."""
    if body is None:
        return WrittenBroadcast()
    at = body.instant()
    shown = at if at is None or body.local else at.astimezone(zone)
    return WrittenBroadcast(
        name=body.name or "", segment=body.segment or "", template=body.template or "", subject=body.subject or "",
        topic=body.topic, at=shown.strftime("%Y-%m-%dT%H:%M") if shown else "",
        clock="theirs" if body.local else "mine", late=body.late, expires=body.expires, rate=body.rate or "",
    )  # fmt: skip


TheWrittenBroadcast = Annotated[WrittenBroadcast, Depends()]
