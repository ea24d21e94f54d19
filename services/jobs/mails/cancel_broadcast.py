"""Cancelling a broadcast: every mail of it that no lane has claimed is withdrawn, on record, a page at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime

from sqlmodel import Session

from services.messages.deciding import withdrawing
from services.operations.item_pages import ItemPage, one_failed
from services.operations.operations import Done, PageOfWork
from services.values import Clock
from store.queries.mails import messages
from store.session import Database
from store.tables.access import Operation

PAGE = 500
"""Mails in one transaction, as many as one plans."""


def pages(database: Database, operation: Operation, clock: Clock) -> Iterator[PageOfWork]:
    """Say of every mail that has not gone that it never will."""
    while True:
        yield ItemPage(
            items=lambda session: _unclaimed(session, operation),
            do=lambda session, ids: _cancel(session, ids, clock()),
            fail=lambda session, one, error: _not_cancelled(session, operation, one, error),
        )


def _unclaimed(session: Session, operation: Operation) -> Sequence[str]:
    """Some that wait still, without those that failed; what was withdrawn is among them no more."""
    return messages.unclaimed_of_broadcast(session, operation.request["broadcast"], _left(session, operation), PAGE)


def _left(session: Session, operation: Operation) -> Sequence[str]:
    current = session.get(Operation, operation.id) or operation
    return (current.result or {}).get("left", [])


def _cancel(session: Session, ids: Sequence[str], now: datetime) -> Done:
    waiting = messages.unclaimed_among(session, ids)
    withdrawing.withdraw_all(session, waiting, "cancelled", now)
    session.flush()
    return Done(count=len(ids))


def _not_cancelled(session: Session, operation: Operation, one: str, error: Exception) -> Done:
    failed = one_failed(session, operation, one, error)
    return replace(failed, result={**(failed.result or {}), "left": [*_left(session, operation), one]})
