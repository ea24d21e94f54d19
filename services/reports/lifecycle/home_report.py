"""What the start page tells of the last days: who moved between stages, what became of the mails, what they are worth.

Everything is read from counts that are kept by day.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlmodel import Session

from services.reports.lifecycle.picture_facts import ENDED
from services.reports.results import mail_report
from store.queries.figures import message_counts, series

DAYS = 7
"""Days whose numbers are told, today among them: a week, so that each weekday is in them once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWeek:
    """How many moved from one stage to another, from "" who entered and to `ended` who left; and by stage who came."""

    flows: Mapping[tuple[str, str], int]
    told: str

    def came(self, stage: str) -> int:
        """How many came to a stage."""
        return sum(count for (_, target), count in self.flows.items() if target == stage)

    def left(self, stage: str) -> int:
        """How many left it, for another or for good."""
        return sum(count for (source, _), count in self.flows.items() if source == stage)


def first_day(session: Session, now: datetime) -> date:
    """The first of the DAYS, in the settings' zone."""
    return now.astimezone(series.zone_of(session)).date() - timedelta(days=DAYS - 1)


def stage_week(session: Session, journey: str, now: datetime) -> StageWeek:
    """The movements of a journey in the last DAYS."""
    since = first_day(session, now)
    flows: Counter[tuple[str, str]] = Counter()
    last = since + timedelta(days=DAYS - 1)
    for _, label, count in series.happened(session, journey, series.MOVED, since, last):
        source, _, target = label.partition("->")
        flows[source, target] += count
    for _, label, count in series.happened(session, journey, series.LEFT, since, last):
        flows[label.partition("|")[0], ENDED] += count
    entered = sum(count for (source, _), count in flows.items() if not source)
    ended = sum(count for (_, target), count in flows.items() if target == ENDED)
    moved = sum(flows.values()) - entered - ended
    told = f"In {DAYS} days {entered:,} entered, {ended:,} left for good, and customers moved {moved:,} times."
    return StageWeek(flows=flows, told=told)


def mails_by_day(session: Session, now: datetime) -> Mapping[date, Mapping[str, int]]:
    """Mails by the day (UTC) for which they were planned, and what became of them until now; days without any too."""
    first = now.date() - timedelta(days=DAYS - 1)
    found: defaultdict[date, dict[str, int]] = defaultdict(dict)
    for day, status, count in message_counts.by_day(session, first):
        found[day][status] = count
    return {first + timedelta(days=after): found[first + timedelta(days=after)] for after in range(DAYS)}


def worth(session: Session, now: datetime) -> tuple[Sequence[Mapping[str, Any]], str]:
    """The orders of the last DAYS by currency with what is credited to mails, and those mails in a sentence."""
    since = first_day(session, now)
    found = mail_report.mails(session, "journey", now, since=since, until=since + timedelta(days=DAYS - 1))
    return found["orders"], found["told"]
