"""Retention: of those who began in a month or a week, how many came back in each one after it, as a triangle.

A cohort is who reached a milestone (an event, a stage, the entry into a journey) for the first time in their life in a
period of the calendar. They come back in a later period, or later in the first one, by an event that is named. A share
of a period that is not over yet is marked, since it can only grow.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session

from services.reports.conversion import reached
from services.reports.conversion.reached import MilestoneWalk, Reached, WalkedReport
from services.reports.measures import periods
from services.reports.measures.shown_rates import rate
from services.statistics.proportions import Proportion
from store.queries.figures import series
from value.orders import COMPLETED

CohortLength = Literal["week", "month"]

SHOWN: Mapping[CohortLength, int] = {"week": 12 * 7, "month": 365}
"""Days of cohorts where nothing is said since when: a dozen rows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CohortQuestion:
    """What is asked: what begins a cohort, which event tells that somebody came back, and of which days.

    Where `first` is None, it is the entry into the journey, or the first `returning` where there is no journey.
    """

    first: str | None = None
    returning: str = COMPLETED
    by: CohortLength = "month"
    journey: str | None = None
    since: date | None = None
    until: date | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it; nothing of it is personal."""
        days = {name: str(day) if day else None for name, day in (("since", self.since), ("until", self.until))}
        names = ("first", "returning", "by", "journey")
        return {**{name: getattr(self, name) for name in names}, **days}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "CohortQuestion":
        """What `as_json` has made."""
        days: dict[str, Any] = {
            name: date.fromisoformat(kept[name]) if kept[name] else None for name in ("since", "until")
        }
        return CohortQuestion(**{**kept, **days})


class Cohorts(WalkedReport):
    """A triangle that is being counted."""

    def __init__(self, session: Session, asked: CohortQuestion, now: datetime) -> None:
        """Read the question; raise NotFound, InvalidInput."""
        self._asked, self._zone = asked, series.zone_of(session)
        self._journey = reached.journey_of(session, asked.journey)
        written = asked.first or (reached.ENTRY if self._journey else f"event:{asked.returning}")
        self._first = reached.milestone(session, written, self._journey, "first")
        self._back = reached.milestone(session, f"event:{asked.returning}", "", "returning")
        self._today = now.astimezone(self._zone).date()
        until = min(asked.until or self._today, self._today)
        since = asked.since or _begin(until - timedelta(days=SHOWN[asked.by] - 1), asked.by)
        span = reached.span_of(since, until, self._zone, now)
        self._cohorts = periods.periods(since, until, asked.by, self._today)
        self._calendar = periods.periods(since, None, asked.by, self._today)
        self._places = {day: number for number, one in enumerate(self._calendar) for day in one.days}
        self.walk = MilestoneWalk(first=self._first, others=[self._back], span=span, now=now, ever=True)
        self._began: Counter[int] = Counter()
        self._came_back: Counter[tuple[int, int]] = Counter()

    def add(self, session: Session, those: Sequence[Reached]) -> None:
        """Count some more customers."""
        for one in those:
            cohort = self._place(one.at)
            later = (at for at in one.instants.get(self._back, ()) if at > one.at)
            self._began[cohort] += 1
            self._came_back.update({(cohort, self._place(at) - cohort) for at in later})

    def _place(self, at: datetime) -> int:
        return self._places[at.astimezone(self._zone).date()]

    # -- the report ----------------------------------------------------------------------------------------------------

    def told(self) -> dict[str, Any]:
        """The report, as JSON; where nobody began the cohorts are empty, with a sentence."""
        rows = list(self._rows()) if self._began else []
        return {
            "journey": self._journey or None,
            "zone": self._zone.key,
            "first": str(self._first),
            "returning": self._asked.returning,
            "by": self._asked.by,
            "customers": sum(self._began.values()),
            "cohorts": rows,
            "all": list(self._together()) if rows else [],
            "told": self._sentence(),
        }

    def _rows(self) -> Iterator[dict[str, Any]]:
        for number, one in enumerate(self._cohorts):
            n = self._began[number]
            yield {
                "from": one.since.isoformat(),
                "to": one.until.isoformat(),
                "customers": n,
                "periods": [
                    {
                        "number": after,
                        **rate(Proportion(count=self._came_back[number, after], n=n)),
                        "running": self._is_running(number + after),
                    }
                    for after in range(len(self._calendar) - number)
                ],
            }

    def _together(self) -> Iterator[dict[str, Any]]:
        """All cohorts as one, by how many periods after their own: of each those alone for whom that period is over."""
        for after in range(len(self._calendar)):
            those = [number for number in range(len(self._cohorts)) if self._is_over(number + after)]
            n = sum(self._began[number] for number in those)
            if n:
                count = sum(self._came_back[number, after] for number in those)
                yield {"number": after, **rate(Proportion(count=count, n=n))}

    def _is_over(self, number: int) -> bool:
        return number < len(self._calendar) and not self._is_running(number)

    def _is_running(self, number: int) -> bool:
        return self._calendar[number].until >= self._today

    def _sentence(self) -> str:
        first, last = self._cohorts[0].since, self._cohorts[-1].until
        if not self._began:
            return f"Nobody reached {self._first} for the first time from {first} to {last}: there are no cohorts."
        whole = {one["number"]: one for one in self._together()}
        told = f"{sum(self._began.values()):,} reached {self._first} for the first time from {first} to {last}."
        if 1 in whole:
            one = whole[1]
            told += (
                f" {one['count']:,} of {one['n']:,} ({one['rate']:.1%}) came back by {self._asked.returning} in the "
                f"{self._asked.by} after."
            )
        return told


def _begin(day: date, by: CohortLength) -> date:
    """The first day of the period in which a day lies."""
    return day.replace(day=1) if by == "month" else day - timedelta(days=day.weekday())
