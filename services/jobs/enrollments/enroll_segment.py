"""Everybody in a segment into a journey."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from services.enrollments.entering import bulk_entry
from services.errors import Refused
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork, add_counts
from services.values import Clock
from store.queries.audiences import segments
from store.queries.enrollment import decisions
from store.session import Database
from store.tables.access import Operation

PAGE = 200
"""Customers in one transaction, each locked, asked and started: live events of these, and on SQLite of all, wait for so
long."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A page of members at a time, in the order of their ids."""
    while True:
        yield ItemPage(
            items=lambda session: _members(session, operation),
            do=lambda session, members: _enroll(session, operation, members, clock()),
            fail=lambda session, member, error: _failed(session, operation, member, error, clock()),
        )


def _members(session: Session, operation: Operation) -> Sequence[str]:
    current = session.get(Operation, operation.id) or operation
    return segments.member_ids(session, operation.request["segment"], current.cursor, PAGE)


def _enroll(session: Session, operation: Operation, members: Sequence[str], now: datetime) -> Done:
    current = session.get(Operation, operation.id) or operation
    data = operation.request.get("data") or {}
    outcomes = bulk_entry.enroll_all(session, operation, [(one, data) for one in members], now)
    refused = sum(isinstance(one, Refused) for one in outcomes)
    enrolled = sum(one is True for one in outcomes)
    result = add_counts(current, {"enrolled": enrolled, "refused": refused})
    return Done(count=len(members), cursor=members[-1], result=result)


def _failed(session: Session, operation: Operation, member: str, error: Exception, now: datetime) -> Done:
    """This one is not enrolled, on record."""
    journey, because = operation.request["journey"], type(error).__name__
    detail = {"reason": "unexpected_error", "because": because, "operation": operation.id}
    decisions.add(session, [decisions.row(member, "not_entered", detail, now, journey=journey)])
    return one_failed(session, operation, member, error)
