"""Cohorts by the month of entry: where those who came then stand, or how their run ended."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sqlmodel import Session

from services.errors import NotFound
from services.reports.conversion import reached
from store.queries.enrollment import enrollments
from store.queries.figures import counts
from store.statuses import EnrollmentStatus

PAGE = 2_000
"""Enrollments that are read together: a few columns of each."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryCohortsQuestion:
    """Of which journey; None is the lifecycle."""

    journey: str | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it."""
        return {"journey": self.journey}

    @staticmethod
    def from_json(kept: Mapping[str, Any]) -> "EntryCohortsQuestion":
        """What `as_json` has made."""
        return EntryCohortsQuestion(journey=kept["journey"])


class EntryCohorts:
    """Cohorts that are being counted."""

    def __init__(self, session: Session, asked: EntryCohortsQuestion, _now: datetime) -> None:
        """Read the question; raise NotFound where there is no such journey, or no lifecycle."""
        self._journey = reached.journey_of(session, asked.journey)
        if not self._journey:
            raise NotFound("there is no lifecycle journey; name the journey that is meant")
        self._after = ""
        self._months: dict[str, dict[str, Any]] = {}

    def total(self, session: Session, most: int | None = None) -> int:
        """How many enrollments the journey has ever had, as is kept."""
        return counts.entered(session).get(self._journey, 0)

    def too_many(self, most: int) -> str:
        """That it had more."""
        return f"{self._journey} has more than {most:,} enrollments"

    def next_page(self, session: Session) -> int:
        """Count the next enrollments."""
        rows = enrollments.page_of_entries(session, self._journey, self._after, PAGE)
        for one in rows:
            month = f"{one.entered_at.astimezone(UTC):%Y-%m}"
            cohort = self._months.setdefault(month, {"month": month, "entered": 0, "stages": {}, "ended": {}})
            where = cohort["stages" if one.status == EnrollmentStatus.LIVE else "ended"]
            place = one.stage if one.reason is None else one.reason
            cohort["entered"] += 1
            where[place] = where.get(place, 0) + 1
        self._after = rows[-1].id if rows else self._after
        return len(rows)

    def told(self) -> dict[str, Any]:
        """The oldest month (UTC) first."""
        return {"journey": self._journey, "cohorts": [self._months[name] for name in sorted(self._months)]}
