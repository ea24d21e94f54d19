"""Rejections: events that were not accepted, and why."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, delete, select

from store import bulk
from store.ids import new_id
from store.tables.access import Rejection

LONGEST = 300
"""Characters that are kept of each text: enough to know it again, and no place to store things in."""


def row(received_at: datetime, *, message_id: Any, kind: Any, path: str, reason: str) -> bulk.ColumnValues:
    """The columns of a rejection. `message_id` and `kind` are as they were sent, whatever that was."""
    return {
        "id": new_id("rej"),
        "received_at": received_at,
        "message_id": _printable(message_id),
        "type": _printable(kind),
        "path": _printable(path) or "",
        "reason": _printable(reason) or "",
    }


def add(session: Session, rows: Sequence[bulk.ColumnValues]) -> None:
    """Keep rejections."""
    bulk.add(session, Rejection, rows)


def forget(session: Session, before: datetime, limit: int) -> int:
    """Let go of what was refused before an instant, a page of it; return how many rows that were."""
    ids = session.exec(select(Rejection.id).where(col(Rejection.received_at) < before).limit(limit)).all()
    session.connection().execute(delete(Rejection).where(col(Rejection.id).in_(ids)))
    return len(ids)


def _printable(value: Any) -> str | None:
    """Text that every database takes, whatever was sent."""
    if value is None:
        return None
    return str(value)[:LONGEST].replace("\0", "\ufffd").encode("utf-8", "replace").decode("utf-8", "replace")
