"""Reports over more than somebody waits for, as operations with progress."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel import Session

from services.operations import operations
from services.operations.operations import PageOfWork
from services.reports.conversion import paged_report
from services.reports.conversion.cohorts import CohortQuestion, Cohorts
from services.reports.conversion.entry_cohorts import EntryCohorts, EntryCohortsQuestion
from services.reports.conversion.funnel import Funnel, FunnelQuestion
from services.reports.conversion.lift import Lift, LiftQuestion
from services.reports.conversion.paged_report import PagedReport
from services.values import Clock
from store.session import Database
from store.tables.access import Operation

FUNNEL, COHORTS, LIFECYCLE, LIFT = "report funnel", "report cohorts", "report lifecycle", "report lift"
"""What the operations are called."""


class ReportQuestion(Protocol):
    """What is asked of a report."""

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportKind:
    """How a kept question is read, and what begins to count its answer (raising NotFound, InvalidInput)."""

    read: Callable[[Mapping[str, Any]], Any]
    begin: Callable[[Session, Any, datetime], PagedReport]


KINDS: Mapping[str, ReportKind] = {
    FUNNEL: ReportKind(read=FunnelQuestion.from_json, begin=Funnel),
    COHORTS: ReportKind(read=CohortQuestion.from_json, begin=Cohorts),
    LIFECYCLE: ReportKind(read=EntryCohortsQuestion.from_json, begin=EntryCohorts),
    LIFT: ReportKind(read=LiftQuestion.from_json, begin=Lift),
}
"""Every report that may be an operation."""


def start(session: Session, kind: str, asked: ReportQuestion, by: str, now: datetime) -> Operation:
    """Ask for a report of one of KINDS; raise NotFound, InvalidInput where the question cannot be read."""
    KINDS[kind].begin(session, asked, now)
    return operations.start(session, kind, asked.as_json(), now, by=by)


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Count the answer, page by page."""
    kind = KINDS[operation.kind]
    with database.reading() as session:
        report = kind.begin(session, kind.read(operation.request), clock())
    return paged_report.as_operation(database, operation, report)
