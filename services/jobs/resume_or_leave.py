"""Enrollments of a whole journey: those that its pause parked go on; or everybody leaves an archived one."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store import bulk
from store.queries import dispatches, enrollments, journeys
from store.queries.dispatches import Priority
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Dispatch

PAGE = 500
"""Enrollments in one transaction, which writes a row for each and locks nobody."""


def resume(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A signal to each that was parked; another pause meanwhile ends the work."""
    while True:
        yield lambda session: _resume(session, operation, clock())


def leave(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A signal to each that is live."""
    while True:
        yield lambda session: _leave(session, operation, clock())


def _resume(session: Session, operation: Operation, now: datetime) -> Done | None:
    key = operation.request["journey"]
    if journeys.is_paused(session, key):
        return None
    return _signal(session, operation, "journey", "resume", {}, now)


def _leave(session: Session, operation: Operation, now: datetime) -> Done | None:
    return _signal(session, operation, None, "leave", {"reason": "archived"}, now)


def _signal(
    session: Session, operation: Operation, paused_by: str | None, kind: str, payload: dict[str, Any], now: datetime
) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    page = enrollments.live_in(session, operation.request["journey"], current.cursor, PAGE, paused_by=paused_by)
    if not page:
        return None
    rows = [dispatches.row(one.id, one.workflow_id, kind, payload, Priority.BULK_START, now) for one in page]
    bulk.add(session, Dispatch, rows)
    return Done(count=len(page), cursor=page[-1].id)
