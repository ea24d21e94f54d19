"""Long work: asked for in one transaction, done by a worker, watched and cancelled meanwhile.

queued → running → done | failed | cancelled
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from services.errors import NotFound, Refused
from store import bulk
from store.dispatches import Priority
from store.tables import Dispatch, Operation
from store.types import new_id

LIVE = ("queued", "running")


def start(session: Session, kind: str, request: dict[str, Any], now: datetime) -> Operation:
    """Ask for work; it starts when the transaction is committed."""
    operation = Operation(id=new_id("op"), kind=kind, request=request, created_at=now)
    session.add(operation)
    session.flush()
    row = {
        "enrollment_id": operation.id,
        "workflow_id": f"operation/{operation.id}",
        "kind": "operate",
        "payload": {},
        "priority": int(Priority.START),
        "attempts": 0,
        "created_at": now,
    }
    bulk.add(session, Dispatch, [row])
    return operation


def get(session: Session, operation_id: str) -> Operation:
    found = session.get(Operation, operation_id)
    if found is None:
        raise NotFound(f"there is no operation {operation_id!r}")
    return found


def listed(session: Session, after: str | None, limit: int) -> Sequence[Operation]:
    """The newest first."""
    query = select(Operation).order_by(col(Operation.id).desc()).limit(limit)
    return session.exec(query if after is None else query.where(col(Operation.id) < after)).all()


def cancel(session: Session, operation_id: str) -> Operation:
    """Ask the worker to stop; what was done stays done."""
    operation = get(session, operation_id)
    if operation.status not in LIVE:
        raise Refused(f"the operation is {operation.status} already")
    operation.cancel = True
    session.add(operation)
    return operation


def begun(session: Session, operation_id: str, now: datetime) -> Operation | None:
    """The operation to work on, or None where there is nothing left to do."""
    operation = session.get(Operation, operation_id)
    if operation is None or operation.status not in LIVE:
        return None
    operation.status, operation.started_at, operation.done = "running", operation.started_at or now, 0
    session.add(operation)
    return operation


def progress(session: Session, operation_id: str, done: int, total: int) -> bool:
    """Keep how far it is; False where somebody wants it to stop."""
    operation = get(session, operation_id)
    operation.done, operation.total = done, total
    session.add(operation)
    return not operation.cancel


def ended(
    session: Session, operation_id: str, status: str, now: datetime, result: Any = None, error: str | None = None
) -> None:
    operation = get(session, operation_id)
    operation.status, operation.finished_at, operation.result, operation.error = status, now, result, error
    session.add(operation)
