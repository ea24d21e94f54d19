"""Whether each part of the worker works: when it last did a round, and since when something waits for it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from store.queries.dispatching import dispatches, wakes_ahead
from store.queries.dispatching.dispatches import Priority
from store.queries.sending import hooks, lanes
from store.queries.upkeep import pulses
from store.statuses import DispatchStatus

SILENT = timedelta(seconds=10)
"""After so long without a round a part does no work: pulses are written every three seconds."""

DISPATCHERS: Mapping[str, tuple[Priority, ...]] = {
    "dispatcher/pokes": (Priority.SIGNAL,),
    "dispatcher/starts": (Priority.START,),
    "dispatcher/bulk": (Priority.BULK_START,),
}
"""The dispatcher's parts that tell Temporal, and the rows that each carries."""

WAKERS: Mapping[str, tuple[Priority, ...]] = {
    "ahead/pokes": (Priority.SIGNAL,),
    "ahead/starts": (Priority.START,),
    "ahead/bulk": (Priority.BULK_START,),
}
"""Its parts that wake somebody ahead of their workflow, and the rows at which each does."""

DEADLINES, FOLLOWING = "ahead/deadlines", "dispatcher/following"
"""Wakes who is due by the clock, ahead of the workflows; and pokes workflows that are behind."""

OTHERS = (FOLLOWING, "scheduler", "lane/upkeep")
"""Parts that nothing waits for: they go by the clock."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PartReadiness:
    """A part by its name: seconds since its last round (None: it never did one), and since when work waits for it."""

    part: str
    last_round: float | None
    waiting: float
    works: bool


def measure(session: Session, now: datetime) -> list[PartReadiness]:
    """Every part that an installation has, in whichever process it runs; by some fifteen looks into indexes."""
    rounds = pulses.last_rounds(session)
    return [_of(part, rounds.get(part), since, now) for part, since in waits(session, now).items()]


def of_rounds(
    rounds: Mapping[str, datetime], waiting: Mapping[str, datetime | None], now: datetime
) -> list[PartReadiness]:
    """The parts that did these rounds, as one process knows of its own."""
    return [_of(part, last, waiting.get(part), now) for part, last in sorted(rounds.items())]


def waits(session: Session, now: datetime) -> dict[str, datetime | None]:
    """Since when something waits for each part; None where nothing does."""
    found: dict[str, datetime | None] = {
        name: dispatches.oldest(session, priorities, now) for name, priorities in DISPATCHERS.items()
    }
    for name, priorities in WAKERS.items():
        found[name] = dispatches.oldest(session, priorities, now, DispatchStatus.TO_WAKE)
    found |= {f"lane/{lane}": lanes.oldest_due(session, lane, now) for lane in lanes.LANES}
    found[DEADLINES] = wakes_ahead.next_due(session)
    return found | {"lane/hooks": hooks.next_due(session), **dict.fromkeys(OTHERS)}


def _of(part: str, last: datetime | None, waits: datetime | None, now: datetime) -> PartReadiness:
    return PartReadiness(
        part=part,
        last_round=_seconds(last, now) if last is not None else None,
        waiting=_seconds(waits, now) if waits is not None else 0.0,
        works=last is not None and now - last <= SILENT,
    )


def _seconds(at: datetime, now: datetime) -> float:
    return max(0.0, round((now - at).total_seconds(), 3))
