"""Letting many in on behalf of one operation: each once, each refusal on record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.definitions import journeys
from services.enrollments import entry
from services.errors import Refused
from store.queries import customers
from store.queries.dispatches import Priority
from store.tables.access import Operation


def enroll(session: Session, operation: Operation, customer_id: str, data: Mapping[str, Any], now: datetime) -> bool:
    """Enroll one of many; who was enrolled by this very operation before is left alone."""
    version, program = journeys.live(session, operation.request["journey"])
    source = f"operation {operation.id}"
    customer = customers.lock(session, customer_id)
    if customer is None or entry.by_source(session, customer_id, version.journey, source):
        return False
    try:
        entry.enroll(
            session, version, program, customer, source=source, now=now, data=data, priority=Priority.BULK_START
        )
    except Refused as refused:
        detail = {"because": refused.message, "operation": operation.id}
        entry.record_refusal(session, version.journey, customer, refused.path or "refused", now, detail)
        raise
    return True
