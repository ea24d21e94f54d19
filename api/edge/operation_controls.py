"""Pausing, resuming and cancelling long work, on record: for the API's calls and for the pages' forms."""

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.edge.shown_operations import operation_out
from api.schemas.operations import OperationOut
from services.operations import operations
from store.tables.access import Operation

OperationControl = Literal["pause", "resume", "cancel"]

_CONTROLS: Mapping[OperationControl, tuple[str, Callable[[Session, str], Operation]]] = {
    "pause": ("paused", operations.pause),
    "resume": ("resumed", operations.resume),
    "cancel": ("cancelled", operations.cancel),
}
"""What each does, and what the audit log calls it."""


def control(session: Session, trail: Trail, id: str, verb: OperationControl, now: datetime) -> OperationOut:
    """Ask it of an operation; raise NotFound, or Refused where its state forbids it."""
    what, change = _CONTROLS[verb]
    before = operation_out(operations.get(session, id), now)
    shown = operation_out(change(session, id), now)
    trail.note(what, "operation", id, before, shown)
    return shown
