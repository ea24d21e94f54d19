"""The check as an operation: what kind it is, when it is asked for, and what the last one has found."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from sqlmodel import Session

from services.errors import Refused
from services.installation import installation_settings
from services.operations import operations
from store.queries.definitions import journeys as journey_rows
from store.queries.upkeep import operations as operation_rows
from store.statuses import OPERATION_LIVE
from store.tables.access import Operation

KIND = "reconcile"
"""What the operation is called."""

NIGHT = range(1, 5)
"""Hours of the installation's clock in which it is asked for: few write then."""

AT_MOST = timedelta(hours=20)
"""How often it is asked for by the clock."""

LATEST = timedelta(hours=48)
"""How old the last one may be before it no longer waits for the night: the installation stood still then."""

BY_THE_CLOCK = "the clock"


def start(session: Session, now: datetime, by: str, *, repair: bool) -> Operation:
    """Ask for a check, which repairs what it can where that is wanted; raise Refused while another is at it."""
    if operation_rows.live_of_kind(session, KIND):
        raise Refused("a reconciliation is under way already")
    return operations.start(session, KIND, {"repair": repair}, now, by=by)


def ask_for_tonight(session: Session, now: datetime) -> int:
    """Ask for a check where one is due by the clock; return how many were asked for. It repairs nothing."""
    last = operation_rows.newest_of_kind(session, KIND)
    age = now - last.created_at if last is not None else None
    if (last is not None and last.status in OPERATION_LIVE) or (age is not None and age < AT_MOST):
        return 0
    night = now.astimezone(ZoneInfo(installation_settings.load(session).timezone)).hour in NIGHT
    if not (night or (age is not None and age > LATEST)) or not journey_rows.keys(session):
        return 0
    start(session, now, BY_THE_CLOCK, repair=False)
    return 1


def last_check(session: Session) -> Mapping[str, Any] | None:
    """When the last check that came to its end did, and what it found: `checked_at`, `operation`, `differences`."""
    last = operation_rows.newest_of_kind(session, KIND, done=True)
    if last is None:
        return None
    found = (last.result or {}).get("differences", [])
    return {"checked_at": last.finished_at, "operation": last.id, "differences": found}


def left_open(found: Mapping[str, Any] | None) -> dict[str, int]:
    """How many differences of each kind a check has left."""
    left: dict[str, int] = {}
    for one in found["differences"] if found is not None else ():
        if one["count"] > one["repaired"]:
            left[one["kind"]] = left.get(one["kind"], 0) + one["count"] - one["repaired"]
    return left
