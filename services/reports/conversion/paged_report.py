"""Reports that read many rows, page by page: at once over some thousands, as an operation with progress over more.

Nothing is kept between two questions, and no page grows with the crowd. What is counted is not known here.
"""

from collections.abc import Iterator
from typing import Any, Protocol

from sqlmodel import Session

from services.errors import Refused
from services.operations.operations import Done, PageOfWork
from store.session import Database
from store.tables.access import Operation

AT_ONCE = 20_000
"""Rows that are counted while somebody waits: one to two seconds. More are an operation."""

TOO_MANY = "too_many"
"""Where a refusal says that there are more."""


class PagedReport(Protocol):
    """A report that is being counted."""

    def total(self, session: Session, most: int | None = None) -> int:
        """How many rows there are to read; with `most` it counts no further."""
        ...

    def too_many(self, most: int) -> str:
        """That there are more than so many, as the beginning of a sentence."""
        ...

    def next_page(self, session: Session) -> int:
        """Count the next rows; how many there were, 0 behind the last."""
        ...

    def told(self) -> dict[str, Any]:
        """The report, as JSON."""
        ...


def at_once(session: Session, report: PagedReport) -> dict[str, Any]:
    """The report while somebody waits; raise Refused (TOO_MANY) where it takes too long."""
    if report.total(session, AT_ONCE + 1) > AT_ONCE:
        raise Refused(f"{report.too_many(AT_ONCE)}; POST the same question, and watch the operation", TOO_MANY)
    while report.next_page(session):
        pass
    return report.told()


def as_operation(database: Database, operation: Operation, report: PagedReport) -> Iterator[PageOfWork]:
    """The same as an operation; its result is the report. What was counted before a crash is counted anew."""
    with database.reading() as session:
        total = report.total(session)
    yield _done(-operation.done, total)
    while count := _next_page(database, report):
        yield _done(count, total)
    yield lambda session: Done(count=0, result=report.told())


def _next_page(database: Database, report: PagedReport) -> int:
    with database.reading() as session:
        return report.next_page(session)


def _done(count: int, total: int) -> PageOfWork:
    return lambda session: Done(count=count, total=total)
