"""Dispatch rows that are stuck: a person lets one go again, or gives it up."""

from sqlmodel import Session

from services.errors import NotFound, Refused
from store.queries.dispatching import dispatches
from store.statuses import DispatchStatus
from store.tables.enrollments import Dispatch


def get(session: Session, row_id: int) -> Dispatch:
    """A row as it stands, stuck or not; raise NotFound, also where it has arrived."""
    row = session.get(Dispatch, row_id)
    if row is None:
        raise _gone(row_id)
    return row


def retry(session: Session, row_id: int) -> Dispatch:
    """Let a row go again, at once. Raise NotFound, or Refused where it is not stuck."""
    row = _stuck(session, row_id)
    dispatches.retry(session, row_id)
    session.refresh(row)
    return row


def cancel(session: Session, row_id: int) -> Dispatch:
    """Give a row up; return it as it was. Raise NotFound, or Refused where it is not stuck."""
    row = _stuck(session, row_id)
    session.expunge(row)
    dispatches.cancel(session, row_id)
    return row


def _stuck(session: Session, row_id: int) -> Dispatch:
    row = dispatches.locked(session, row_id)
    if row is None:
        raise _gone(row_id)
    if row.status != DispatchStatus.STUCK:
        raise Refused(f"it is {row.status}, not stuck: it goes by itself")
    return row


def _gone(row_id: int) -> NotFound:
    return NotFound(f"nothing of the number {row_id} is on its way")
