"""All lanes held, and let go: no mail, webhook or note goes out in between, whoever planned it. Both are on record.

What is with a provider already is finished and recorded; journeys go on, and what they plan waits.
"""

from datetime import datetime
from typing import Any

from sqlmodel import Session

from services.access import audit_log
from store.queries.sending import holds
from store.tables.messages import Hold

KIND, ALL = "lanes", "all"
"""What the audit log calls them."""


def hold(session: Session, by: str, reason: str, now: datetime) -> Hold:
    """Hold all lanes, and say who does it and why; where they are held already, that hold stays as it is."""
    present = holds.current(session)
    if present is not None:
        return present
    placed = holds.place(session, by, reason, now)
    audit_log.record(session, by, "held", KIND, ALL, now, after=_shown(placed), said=reason)
    return placed


def release(session: Session, by: str, now: datetime) -> Hold | None:
    """Let all lanes go; return the hold that there was, None where there was none."""
    present = holds.current(session)
    if present is not None:
        holds.lift(session, present)
        audit_log.record(session, by, "released", KIND, ALL, now, before=_shown(present))
    return present


def _shown(one: Hold) -> dict[str, Any]:
    return {"since": one.since.isoformat()}
