"""What broadcasts do by the clock: start, look for a winner, see that the last mail has gone."""

from datetime import datetime

from sqlmodel import Session

from services import broadcasts, operations
from services.broadcasts import LOOK_EVERY
from store.tables import Broadcast

PLAN = "plan broadcast"
PREVIEW = "preview broadcast"
CANCEL = "cancel broadcast"


def anything(session: Session, now: datetime) -> bool:
    """Whether a broadcast has something to do."""
    return bool(broadcasts.waking(session, now))


def do(session: Session, now: datetime) -> int:
    """Let each of them do it."""
    waking = broadcasts.waking(session, now)
    for row in waking:
        _wake(session, row, now)
    return len(waking)


def _wake(session: Session, row: Broadcast, now: datetime) -> None:
    body = broadcasts.body_of(row)
    match row.status:
        case "scheduled" if broadcasts.unready(session, row):
            row.wake_at = now + LOOK_EVERY
        case "scheduled":
            _plan(session, row, "sample" if body.test is not None else "all", now)
        case "deciding":
            row.winner = row.winner or broadcasts.best(session, row)
            _plan(session, row, "rest", now)
        case _:
            if broadcasts.anything_waits(session, row.key):
                row.wake_at = now + LOOK_EVERY
            else:
                row.status, row.wake_at, row.finished_at = "sent", None, now
    row.updated_at = now
    session.add(row)


def _plan(session: Session, row: Broadcast, which: str, now: datetime) -> None:
    """Start the operation that works out who gets it; it has no workflow for anybody."""
    operation = operations.start(session, PLAN, {"broadcast": row.key, "pass": which}, now)
    row.status, row.wake_at, row.operation_id = "planning", None, operation.id
