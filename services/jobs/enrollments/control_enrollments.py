"""One control asked of many enrollments of a journey: a page at a time, of each on whom it acts as it stands then.

Whoever has moved out of what the filter says meanwhile is left as they are.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from services.definitions.journey_versions import journeys
from services.enrollments.controls import asking, bulk_controls
from services.enrollments.controls.bulk_controls import BulkRequest
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork, add_counts
from services.values import Clock
from store.queries.listing import live_selection
from store.queries.listing.live_selection import AlikeEnrollments
from store.session import Database
from store.tables.access import Operation
from store.tables.enrollments import Enrollment

PAGE = 500
"""Enrollments in one transaction, which writes a row or two for each and locks nobody."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """The next of those who are meant, in the order of their ids; `asked` counts of how many something was asked."""
    while True:
        yield ItemPage(
            items=lambda session: _meant(session, operation),
            do=lambda session, ids: _ask(session, operation, ids, clock()),
            fail=lambda session, one, error: one_failed(session, operation, one, error),
        )


def _meant(session: Session, operation: Operation) -> Sequence[str]:
    current, asked = session.get(Operation, operation.id) or operation, bulk_controls.read(operation.request)
    if asked.chosen is not None:
        return [one for one in sorted(asked.chosen) if one > current.cursor][:PAGE]
    return live_selection.ids(session, asked.wanted, current.cursor, PAGE)


def _ask(session: Session, operation: Operation, ids: Sequence[str], now: datetime) -> Done:
    current, asked = session.get(Operation, operation.id) or operation, bulk_controls.read(operation.request)
    those = [one for one in live_selection.among(session, asked.wanted, ids) if _acts(session, asked, one)]
    asking.ask_all(session, those, asked.verb, now, asked.to)
    result = add_counts(current, {"asked": len(those), "left_as_they_are": len(ids) - len(those)})
    return Done(count=len(ids), cursor=ids[-1], result=result)


def _acts(session: Session, asked: BulkRequest, one: Enrollment) -> bool:
    alike = AlikeEnrollments(one.digest, one.version, one.stage, one.step, one.paused_by, 1)
    return bulk_controls.effect(journeys.compiled(session, one.digest), asked, alike).acts
