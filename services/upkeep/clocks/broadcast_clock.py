"""What broadcasts do by the clock: start, look for a winner, see that the last mail has gone."""

from datetime import datetime, timedelta

from sqlmodel import Session

from services.definitions import broadcasts
from services.definitions.broadcasts import LOOK_EVERY
from services.operations import operations
from store.queries.definitions import broadcasts as broadcast_rows
from store.statuses import OPERATION_LIVE, BroadcastStatus
from store.tables.access import Operation
from store.tables.broadcasts import Broadcast

PLAN = "plan broadcast"
"""Kinds of operations, as the worker knows them: this one plans mails."""

PREVIEW = "preview broadcast"
"""Counts who would get it."""

CANCEL = "cancel broadcast"
"""Says of every mail that it never goes."""

WATCH_EVERY = timedelta(seconds=30)
"""How often it is asked whether the operation that plans still goes on: it says itself when it is done."""


def any_due(session: Session, now: datetime) -> bool:
    """Whether a broadcast has something to do."""
    return bool(broadcast_rows.due(session, now))


def run_due(session: Session, now: datetime, limit: int = broadcast_rows.AT_ONCE) -> int:
    """Let `limit` of them do it; return how many there were."""
    waking = broadcast_rows.due(session, now, limit)
    for row in waking:
        _wake(session, row, now)
    return len(waking)


def pause_next(session: Session, now: datetime, error: str) -> None:
    """The next one fails unexpectedly: it pauses, with an alarm, and a person lets it go on."""
    for row in broadcast_rows.due(session, now, 1):
        row.paused_at = row.updated_at = now
        row.alarm = f"it failed unexpectedly ({error}; the worker's log tells more); resume tries it again"
        session.add(row)


def _wake(session: Session, row: Broadcast, now: datetime) -> None:
    match row.status:
        case BroadcastStatus.PLANNING:
            _watch(session, row, now)
        case BroadcastStatus.SCHEDULED if broadcasts.is_segment_pending(session, row):
            row.wake_at = now + LOOK_EVERY
        case BroadcastStatus.SCHEDULED:
            _plan(session, row, now)
        case BroadcastStatus.DECIDING:
            row.winner = row.winner or broadcasts.leading_variant(session, row)
            _plan(session, row, now)
        case _:
            if broadcast_rows.any_unsent(session, row.key):
                row.wake_at = now + LOOK_EVERY
            else:
                row.status, row.wake_at, row.finished_at = BroadcastStatus.SENT, None, now
    row.updated_at = now
    session.add(row)


def _plan(session: Session, row: Broadcast, now: datetime) -> None:
    """Start the operation that works out who gets it; whoever has their mail planned already is left out."""
    which = "rest" if row.winner else "sample" if broadcasts.body_of(row).test is not None else "all"
    operation = operations.start(session, PLAN, {"broadcast": row.key, "pass": which}, now)
    row.status, row.wake_at, row.operation_id = BroadcastStatus.PLANNING, now + WATCH_EVERY, operation.id


def _watch(session: Session, row: Broadcast, now: datetime) -> None:
    """An operation that ended half way pauses the broadcast, with an alarm; a resume plans the rest."""
    operation = session.get(Operation, row.operation_id) if row.operation_id else None
    row.wake_at = now + WATCH_EVERY
    if operation is None:
        _plan(session, row, now)
    elif operation.status not in OPERATION_LIVE:
        row.paused_at, row.operation_id = now, None
        row.alarm = f"it was not planned to its end ({operation.error or operation.status}); resume plans the rest"
