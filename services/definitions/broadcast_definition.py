"""What a broadcast is asked for: the mail, its variants, whom it is for, when and how fast; checked as a whole."""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from journeys.facts import calendar
from journeys.facts.calendar import Window
from journeys.language.verbs import SendWindow
from journeys.program import assignment
from journeys.program.send_terms import GENERAL, SendTerms
from readers import dates
from readers.keys import PATTERN
from services.installation import rates

Metric = Literal["opened", "clicked"]
"""What variants can be judged by."""

_NAIVE = re.compile(r"^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2})?$")

TemplateReference = Annotated[str, Field(pattern=PATTERN, examples=["spring"])]
"""The key of a template, kept in the store or a file."""


class VariantIn(BaseModel):
    """One of the mails of an A/B test."""

    model_config = ConfigDict(extra="forbid")

    template: TemplateReference
    subject: str | None = Field(default=None, min_length=1, max_length=400, description="instead of the template's own")
    weight: int = Field(default=1, ge=1, le=1_000)


class BroadcastTestIn(BaseModel):
    """A sample gets the variants; the one that does best goes to everybody else."""

    model_config = ConfigDict(extra="forbid")

    sample: int = Field(ge=1, le=100, description="percent of the audience", examples=[20])
    winner: Metric = Field(default="clicked", description="what the variants are judged by; machines do not count")
    after: str = Field(default="4 hours", description="how long the sample has; a duration")

    @field_validator("after")
    @classmethod
    def _a_span(cls, value: str) -> str:
        calendar.parse_span(value)
        return value


class BroadcastIn(BaseModel):
    """One mail to many. Without `segment` it goes to whom `POST /v1/imports?kind=recipients` has named."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"segment": "buyers", "template": "spring", "topic": "news", "at": "2026-12-01T09:00", "local": True}
            ]
        },
    )

    name: str | None = Field(default=None, max_length=200)
    segment: str | None = Field(default=None, pattern=PATTERN, examples=["buyers"])
    template: TemplateReference | None = Field(default=None, description="or `variants`")
    subject: str | None = Field(default=None, min_length=1, max_length=400, description="instead of the template's own")
    topic: str = Field(default=GENERAL, pattern=PATTERN, examples=["news"])
    variants: dict[Annotated[str, Field(pattern=PATTERN)], VariantIn] = Field(default={}, max_length=10)
    test: BroadcastTestIn | None = Field(default=None, description="without it the variants share the whole audience")
    at: str | None = Field(
        default=None,
        description="when; an instant with its zone, or with `local` a date and time without one. Now where absent",
        examples=["2026-12-01T09:00"],
    )
    local: bool = Field(default=False, description="at this hour of each customer's own clock")
    late: Literal["send", "skip"] = Field(default="send", description="where that hour has passed already")
    send_window: SendWindow | None = Field(default=None, description="hours of the customer's clock in which it goes")
    expires: str = Field(default="3 days", description="how long a mail may wait for quiet hours, caps and pauses")
    rate: str | None = Field(
        default=None, pattern=rates.PATTERN, description="how fast it goes", examples=["5000/hour"]
    )
    priority: int = Field(default=2, ge=1, le=5, description="under a cap the larger one wins; journeys have 3")

    @field_validator("expires")
    @classmethod
    def _a_span(cls, value: str) -> str:
        calendar.parse_span(value)
        return value

    @field_validator("at")
    @classmethod
    def _an_instant(cls, value: str | None) -> str | None:
        if value is not None:
            _read(value)
        return value

    @model_validator(mode="after")
    def _whole(self) -> "BroadcastIn":
        if (self.template is None) == (not self.variants):
            raise ValueError("name a template, or variants with a template each")
        if self.variants and self.subject is not None:
            raise ValueError("each variant has a subject of its own")
        if self.test is not None and len(self.variants) < 2:
            raise ValueError("a test needs two variants at least")
        if self.local and (self.at is None or not _NAIVE.match(self.at)):
            raise ValueError("with `local`, `at` is a date and a time without a zone, such as 2026-12-01T09:00")
        self.instant()
        return self

    def instant(self) -> datetime | None:
        """`at`, which has no zone where it is local, and else must have one (ValueError); None for now."""
        if self.at is None:
            return None
        at = _read(self.at)
        if not self.local and at.tzinfo is None:
            raise ValueError("`at` needs a zone, such as 2026-12-01T09:00:00+01:00; or say `local`")
        return at

    def terms(self) -> SendTerms:
        """On what terms its mails go, once each is due."""
        return SendTerms(
            topic=self.topic, expires=calendar.parse_span(self.expires).elapsed, late="send", window=self._window()
        )

    def _window(self) -> Window | None:
        if self.send_window is None:
            return None
        opens, closes = calendar.parse_time(self.send_window.opens), calendar.parse_time(self.send_window.closes)
        return Window(opens=opens, closes=closes, days=calendar.parse_days(self.send_window.days))

    def templates(self) -> list[str]:
        """The templates that it sends: its own, or one for each variant."""
        return [self.template] if self.template else [one.template for one in self.variants.values()]

    def subjects(self) -> dict[str, str]:
        """The subjects that are said here, by their fields."""
        said = {"subject": self.subject}
        said |= {f"variants.{name}.subject": one.subject for name, one in self.variants.items()}
        return {field: text for field, text in said.items() if text is not None}

    def due(self, start: datetime, zone: str | None, default_zone: str) -> datetime:
        """When a customer's mail is due (UTC): at `start`, or with `local` at that hour of their own clock.

        Their zone is `zone`, or `default_zone` where they have none.
        """
        at = self.instant()
        if not self.local or at is None:
            return start
        return calendar.resolve(at, calendar.zone_of(zone, default_zone))

    def variant_for(self, key: str, customer_id: str) -> str:
        """The variant of this customer, in proportion to the weights; the same for ever, since it is a hash of both."""
        point = assignment.share(f"{key}\0variant", customer_id) * sum(one.weight for one in self.variants.values())
        for name, variant in self.variants.items():
            if point < variant.weight:
                return name
            point -= variant.weight
        return next(reversed(self.variants))

    def sampled(self, key: str, customer_id: str) -> bool:
        """Whether a customer is in the sample of the test."""
        return self.test is not None and assignment.share(f"{key}\0sample", customer_id) * 100 < self.test.sample


def _read(text: str) -> datetime:
    at = dates.read(text)
    if not isinstance(at, datetime):
        raise ValueError("an instant looks like 2026-12-01T09:00:00Z")
    return at
