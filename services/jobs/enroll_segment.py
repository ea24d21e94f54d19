"""Everybody in a segment into a journey."""

from collections.abc import Iterator
from datetime import datetime

from sqlmodel import Session

from services.enrollments import bulk_entry
from services.errors import Refused
from services.operations.operations import Done, PageOfWork, add_counts
from services.values import Clock
from store.queries import segments
from store.session import Database
from store.tables.access import Operation

PAGE = 200
"""Customers in one transaction, each locked, asked and started: live events of these, and on SQLite of all, wait for so
long."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """A page of members at a time, in the order of their ids."""
    while True:
        yield lambda session: _page(session, operation, clock())


def _page(session: Session, operation: Operation, now: datetime) -> Done | None:
    current = session.get(Operation, operation.id) or operation
    members = segments.member_ids(session, operation.request["segment"], current.cursor, PAGE)
    if not members:
        return None
    data = operation.request.get("data") or {}
    outcomes = bulk_entry.enroll_all(session, operation, [(one, data) for one in members], now)
    refused = sum(isinstance(one, Refused) for one in outcomes)
    enrolled = sum(one is True for one in outcomes)
    result = add_counts(current, {"enrolled": enrolled, "refused": refused})
    return Done(count=len(members), cursor=members[-1], result=result)
