"""A funnel or a triangle of cohorts over more customers than somebody waits for, as an operation with progress."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from services.operations import operations
from services.operations.operations import PageOfWork
from services.reports import reached
from services.reports.cohorts import CohortQuestion, Cohorts
from services.reports.funnel import Funnel, FunnelQuestion
from services.values import Clock
from store.session import Database
from store.tables.access import Operation

FUNNEL, COHORTS = "report funnel", "report cohorts"
"""What the operations are called."""


def start_funnel(session: Session, asked: FunnelQuestion, by: str, now: datetime) -> Operation:
    """Ask for a funnel; raise NotFound, InvalidInput where it cannot be read."""
    Funnel(session, asked, now)
    return operations.start(session, FUNNEL, asked.as_json(), now, by=by)


def start_cohorts(session: Session, asked: CohortQuestion, by: str, now: datetime) -> Operation:
    """Ask for a triangle of cohorts; raise NotFound, InvalidInput where it cannot be read."""
    Cohorts(session, asked, now)
    return operations.start(session, COHORTS, asked.as_json(), now, by=by)


def funnel_pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Count a funnel, page by page."""
    with database.reading() as session:
        counting = Funnel(session, FunnelQuestion.from_json(operation.request), clock())
    return reached.as_operation(database, operation, counting)


def cohort_pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Count a triangle of cohorts, page by page."""
    with database.reading() as session:
        counting = Cohorts(session, CohortQuestion.from_json(operation.request), clock())
    return reached.as_operation(database, operation, counting)
