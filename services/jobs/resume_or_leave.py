"""Enrollments of a whole journey: those that its pause parked go on; or everybody leaves an archived one."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from services.definitions import journeys
from services.operations.operations import Done, Page
from store import bulk
from store.queries import dispatches
from store.queries.dispatches import Priority
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.access import Operation
from store.tables.enrollments import Dispatch, Enrollment

PAGE = 500


def resume(database: Database, operation: Operation, clock: Callable[[], datetime]) -> Iterator[Page]:
    """A signal to each that was parked; another pause meanwhile ends the work."""
    while True:
        yield lambda session: _resume(session, operation, clock())


def leave(database: Database, operation: Operation, clock: Callable[[], datetime]) -> Iterator[Page]:
    """A signal to each that is live."""
    while True:
        yield lambda session: _leave(session, operation, clock())


def _resume(session: Session, operation: Operation, now: datetime) -> Done | None:
    key = operation.request["journey"]
    if journeys.paused(session, key):
        return None
    return _signal(session, operation, [col(Enrollment.paused_by) == "journey"], "resume", {}, now)


def _leave(session: Session, operation: Operation, now: datetime) -> Done | None:
    return _signal(session, operation, [], "leave", {"reason": "archived"}, now)


def _signal(
    session: Session, operation: Operation, more: Sequence[Any], kind: str, payload: dict[str, Any], now: datetime
) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    query = select(Enrollment).where(
        Enrollment.journey == operation.request["journey"],
        Enrollment.status == EnrollmentStatus.LIVE,
        col(Enrollment.id) > current.cursor,
        *more,
    )
    runs = session.exec(query.order_by(col(Enrollment.id)).limit(PAGE)).all()
    if not runs:
        return None
    rows = [dispatches.row(one.id, one.workflow_id, kind, payload, Priority.BULK_START, now) for one in runs]
    bulk.add(session, Dispatch, rows)
    return Done(count=len(runs), cursor=runs[-1].id)
