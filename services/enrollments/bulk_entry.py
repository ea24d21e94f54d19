"""Letting many in on behalf of one operation: each once, each refusal on record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.definitions import journeys
from services.enrollments import entry
from services.enrollments.entry import Admission
from store.queries import customers, enrollments
from store.queries.dispatches import Priority
from store.tables.access import Operation


def enroll(session: Session, operation: Operation, customer_id: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Enroll one of many; False where this very operation has enrolled them before, or they are gone.

    Raises Refused where the re-entry rule forbids it; that is on record then.
    """
    version, program = journeys.live(session, operation.request["journey"])
    source = f"operation {operation.id}"
    customer = customers.lock(session, customer_id)
    if customer is None or enrollments.by_source(session, customer_id, source, version.journey):
        return False
    admission = Admission(source=source, data=data, priority=Priority.BULK_START)
    entry.enroll_on_record(session, version, program, customer, admission, now, {"operation": operation.id})
    return True
