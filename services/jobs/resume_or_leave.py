"""Enrollments of a whole journey: those that its pause parked go on; or everybody leaves an archived one."""

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from functools import partial

from sqlmodel import Session

from services.enrollments import asking
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store.queries import enrollments, journeys
from store.queries.dispatches import Priority
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Enrollment

PAGE = 500
"""Enrollments in one transaction, which writes a row or two for each and locks nobody."""


def resume(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A poke to each that was parked; another pause meanwhile ends the work."""
    while True:
        yield lambda session: _resume(session, operation, clock())


def leave(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """An exit, asked of each that is live."""
    while True:
        yield lambda session: _leave(session, operation, clock())


def _resume(session: Session, operation: Operation, now: datetime) -> Done | None:
    key = operation.request["journey"]
    if journeys.is_paused(session, key):
        return None
    return _each(session, operation, "journey", partial(asking.poke, session, now=now, priority=Priority.BULK_START))


def _leave(session: Session, operation: Operation, now: datetime) -> Done | None:
    left = partial(asking.leave, session, reason="archived", now=now, priority=Priority.BULK_START)
    return _each(session, operation, None, left)


def _each(
    session: Session, operation: Operation, paused_by: str | None, do: Callable[[Sequence[Enrollment]], None]
) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    page = enrollments.live_in(session, operation.request["journey"], current.cursor, PAGE, paused_by=paused_by)
    if not page:
        return None
    do(page)
    return Done(count=len(page), cursor=page[-1].id)
