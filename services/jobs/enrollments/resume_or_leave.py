"""Enrollments of a whole journey: those that its pause parked go on; or everybody leaves an archived one."""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from functools import partial
from typing import get_args

from sqlmodel import Session

from journeys.machine.inputs import Halting
from services.enrollments.controls import asking
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store.queries.definitions import journeys
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import enrollments
from store.session import Database
from store.statuses import EnrollmentStatus
from store.tables.access import Operation
from store.tables.enrollments import Enrollment

PAGE = 500
"""Enrollments in one transaction, which writes a row or two for each and locks nobody."""


def resume(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A poke to each that was parked; another pause meanwhile ends the work."""
    while True:
        yield ItemPage(
            items=lambda session: _parked(session, operation),
            do=lambda session, ids: _each(session, ids, partial(_resume, session, clock())),
            fail=lambda session, one, error: one_failed(session, operation, one, error),
        )


def leave(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """An exit, asked of each that is live."""
    while True:
        yield ItemPage(
            items=lambda session: _live(session, operation),
            do=lambda session, ids: _each(session, ids, partial(_leave, session, clock())),
            fail=lambda session, one, error: one_failed(session, operation, one, error),
        )


def _parked(session: Session, operation: Operation) -> Sequence[str]:
    """The next that the pause of the journey, or of its stage, parked; none where it is paused once more."""
    asked = operation.request
    if journeys.is_paused(session, asked["journey"], asked.get("stage")):
        return []
    return _live(session, operation, paused_by=get_args(Halting), stage=asked.get("stage"))


def _live(
    session: Session, operation: Operation, paused_by: Collection[str] = (), stage: str | None = None
) -> Sequence[str]:
    current = session.get(Operation, operation.id) or operation
    key = operation.request["journey"]
    page = enrollments.live_in(session, key, current.cursor, PAGE, paused_by=paused_by, stage=stage)
    return [one.id for one in page]


def _resume(session: Session, now: datetime, those: Sequence[Enrollment]) -> None:
    asking.poke(session, those, now, Priority.BULK_START)


def _leave(session: Session, now: datetime, those: Sequence[Enrollment]) -> None:
    asking.leave(session, those, "archived", now, Priority.BULK_START)


def _each(session: Session, ids: Sequence[str], do: Callable[[Sequence[Enrollment]], None]) -> Done:
    """Do it to each of these that is live still."""
    found = enrollments.by_ids(session, ids)
    do([found[one] for one in ids if one in found and found[one].status == EnrollmentStatus.LIVE])
    return Done(count=len(ids), cursor=ids[-1])
