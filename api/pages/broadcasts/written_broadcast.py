"""What the form of a broadcast holds: the mail or its variants, whom it is for, when and how fast."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Annotated, Any, Literal
from zoneinfo import ZoneInfo

from fastapi import Depends, Form
from pydantic import Field

from api.edge import form_values
from journeys.facts import calendar
from journeys.program.send_terms import GENERAL
from readers import dates
from services.definitions.broadcast_definition import BroadcastIn
from services.errors import InvalidInput

WhoseClock = Literal["mine", "theirs"]
"""By whose clock an hour is meant: the reader's, or each customer's own."""

SHOWN = (
    "name", "segment", "template", "subject", "topic", "variants", "test", "at", "local", "late", "send_window",
    "expires", "rate", "priority",
)  # fmt: skip
"""What the form has a field for."""

ROWS, MOST_ROWS = 3, 10
"""Variants for which the form has room at least (one more than there are), and at most as the call takes them."""

Cells = Annotated[list[Annotated[str, Field(max_length=400)]] | None, Form(max_length=MOST_ROWS)]
"""A column of the variants: what stands in each row."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenVariant:
    """A row of the form: one of the mails of an A/B test, as it was typed."""

    name: str = ""
    template: str = ""
    subject: str = ""
    weight: str = ""

    @property
    def given(self) -> bool:
        """Whether something stands in it."""
        return bool(self.name or self.template or self.subject)


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
        priority: Annotated[str, Form(max_length=2)] = "",
        days: Annotated[str, Form(max_length=100)] = "",
        opens: Annotated[str, Form(max_length=5)] = "",
        closes: Annotated[str, Form(max_length=5)] = "",
        sample: Annotated[str, Form(max_length=4)] = "",
        winner: Annotated[str, Form(max_length=20)] = "clicked",
        after: Annotated[str, Form(max_length=100)] = "",
        variant_name: Cells = None,
        variant_template: Cells = None,
        variant_subject: Cells = None,
        variant_weight: Cells = None,
        seen: Annotated[str, Form(max_length=64)] = "",
    ) -> None:
        self.name, self.segment, self.guard = name.strip(), segment, guard.strip()
        self.template, self.subject, self.topic = template, subject, topic.strip()
        self.at, self.clock, self.late = at.strip(), clock, late
        self.expires, self.rate, self.priority, self.seen = expires.strip(), rate.strip(), priority, seen
        self.days, self.opens, self.closes = days.strip(), opens.strip(), closes.strip()
        self.sample, self.winner, self.after = sample.strip(), winner, after.strip()
        columns = zip_longest(
            *(column or () for column in (variant_name, variant_template, variant_subject, variant_weight)),
            fillvalue="",
        )
        self.variants: Sequence[WrittenVariant] = [
            WrittenVariant(name=name.strip(), template=template, subject=subject.strip(), weight=weight.strip())
            for name, template, subject, weight in columns
        ]

    @property
    def rows(self) -> Sequence[WrittenVariant]:
        """The variants, with room for more."""
        given = [one for one in self.variants if one.given]
        return [*given, *[WrittenVariant()] * (min(max(ROWS, len(given) + 1), MOST_ROWS) - len(given))]

    def body(self, kept: Mapping[str, Any], zone: ZoneInfo, segment: str) -> BroadcastIn:
        """The whole; `kept` is what stands there now. Raise InvalidInput with the field."""
        written = {
            "name": self.name or None,
            "segment": segment or None,
            "template": self.template or None,
            "subject": self.subject or None,
            "variants": self._variants(),
            "test": self._test(),
            "send_window": self._hours(),
            "topic": self.topic or GENERAL,
            "at": self._instant(zone),
            "local": self.clock == "theirs" and bool(self.at),
            "late": self.late,
            "rate": self.rate or None,
            **({"expires": self.expires} if self.expires else {}),
            **({"priority": self.priority} if self.priority else {}),
        }
        others = {name: value for name, value in kept.items() if name not in SHOWN}
        return form_values.read(BroadcastIn, {**others, **written})

    def _variants(self) -> Mapping[str, Any]:
        given = [one for one in self.variants if one.given]
        names = [one.name for one in given]
        if "" in names:
            raise InvalidInput("each variant has a name, such as a", "variants")
        if len(set(names)) < len(names):
            raise InvalidInput("each variant has a name of its own", "variants")
        return {
            one.name: {"template": one.template, "subject": one.subject or None, "weight": one.weight or 1}
            for one in given
        }

    def _test(self) -> Mapping[str, Any] | None:
        if not self.sample:
            if self.after:
                raise InvalidInput("say to how many in 100 the variants go first, too", "sample")
            return None
        return {"sample": self.sample, "winner": self.winner, **({"after": self.after} if self.after else {})}

    def _hours(self) -> Mapping[str, Any] | None:
        if not (self.opens or self.closes):
            if self.days:
                raise InvalidInput("say from when to when on these days, too", "opens")
            return None
        return {"from": self.opens, "to": self.closes, **({"days": self.days} if self.days else {})}

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
    window, test = body.send_window, body.test
    written = WrittenBroadcast(
        name=body.name or "", segment=body.segment or "", template=body.template or "", subject=body.subject or "",
        topic=body.topic, at=shown.strftime("%Y-%m-%dT%H:%M") if shown else "",
        clock="theirs" if body.local else "mine", late=body.late, expires=body.expires, rate=body.rate or "",
        priority=str(body.priority), days=_days(window.days) if window else "", opens=window.opens if window else "",
        closes=window.closes if window else "", sample=str(test.sample) if test else "",
        winner=test.winner if test else "clicked", after=test.after if test else "",
    )  # fmt: skip
    written.variants = [
        WrittenVariant(name=name, template=one.template, subject=one.subject or "", weight=str(one.weight))
        for name, one in body.variants.items()
    ]
    return written


def _days(said: str | list[str]) -> str:
    return said if isinstance(said, str) else ", ".join(said)


TheWrittenBroadcast = Annotated[WrittenBroadcast, Depends()]
