"""Rates as people write them, `100/second`, and the buckets that keep to them."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from store.queries.access import rate_buckets
from store.queries.access.rate_buckets import Draw

PATTERN = r"^[1-9][0-9]{0,8}/(second|minute|hour|day)$"
"""A rate as people write it: mails (or calls) in a span."""

SECONDS = {"second": 1, "minute": 60, "hour": 3_600, "day": 86_400}
"""Seconds of each span."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rate:
    """So many a second; as many as `burst` may go at once."""

    per_second: float
    burst: float


def parse(text: str) -> Rate:
    """Read a rate; raise ValueError where it is none. What may go at once is what a second (or one mail) allows."""
    if not re.match(PATTERN, text):
        raise ValueError("a rate looks like 100/second, 6000/minute, 5000/hour or 100000/day")
    count, _, span = text.partition("/")
    per_second = int(count) / SECONDS[span]
    return Rate(per_second=per_second, burst=max(1.0, per_second))


def take(session: Session, name: str, rate: Rate, wanted: int, now: datetime, leave: float = 0.0) -> int:
    """How many of `wanted` may go now; `leave` is the share (0 to 1) of a full bucket that is left to others.

    Where a full bucket holds less than ten, nothing is left: a share of it would be less than a mail or two.
    """
    (taken,) = rate_buckets.take(session, [_draw(name, rate, wanted, leave if rate.burst >= 10 else 0.0)], now)
    return taken


def take_all(session: Session, wanted: Mapping[str, tuple[Rate, int]], now: datetime) -> dict[str, int]:
    """How many may go now of each bucket: its rate, and how many are wanted."""
    draws = [_draw(name, rate, count) for name, (rate, count) in wanted.items()]
    return dict(zip(wanted, rate_buckets.take(session, draws, now), strict=True))


def _draw(name: str, rate: Rate, wanted: int, leave: float = 0.0) -> Draw:
    return Draw(name=name, per_second=rate.per_second, burst=rate.burst, wanted=wanted, leave=leave)


def give_back(session: Session, unused: Mapping[str, int]) -> None:
    """Return what was taken of each bucket and not used."""
    rate_buckets.give_back(session, unused)
