"""Reports that are counted page by page: while somebody waits, or as an operation that they watch."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from fastapi import Request
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.backend import Backend
from api.edge.heavy_work import HeavyWork
from api.edge.shown_operations import operation_out
from api.schemas.operations import OperationOut
from services.reports.conversion import paged_report, report_operations
from services.reports.conversion.paged_report import PagedReport
from services.reports.conversion.report_operations import ReportQuestion


async def at_once(parts: Backend, heavy: HeavyWork, begin: Callable[[Session], PagedReport]) -> dict[str, Any]:
    """The report, as JSON; raise what `begin` raises, and Refused where there are too many."""

    def count() -> dict[str, Any]:
        with parts.database.reading() as session:
            return paged_report.at_once(session, begin(session))

    return await heavy.run(count)


def as_operation(
    request: Request, session: Session, kind: str, asked: ReportQuestion, by: str, now: datetime
) -> OperationOut:
    """An operation to watch, on record; raise NotFound, InvalidInput where the question cannot be read."""
    shown = operation_out(report_operations.start(session, kind, asked, by, now), now)
    Trail(request, session, now).note("counted", kind.removeprefix("report "), shown.id, after=shown)
    return shown
