"""The comparison of everything that is kept in several places, which repairs what differs, on record."""

from datetime import datetime

from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.edge.shown_operations import operation_out
from api.schemas.operations import OperationOut
from services.reconciliation import reconciling


def start(session: Session, trail: Trail, by: str, now: datetime) -> OperationOut:
    """Ask for it; raise Refused while another comparison is at it."""
    shown = operation_out(reconciling.start(session, now, by, repair=True), now)
    trail.note("repaired", "books", shown.id, None, shown)
    return shown
