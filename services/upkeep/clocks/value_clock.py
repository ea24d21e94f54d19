"""When everybody's value is fitted anew: once a night, by the installation's own clock, where there are orders.

Somebody may ask for it at any time, too.
"""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from services.installation import installation_settings, value_fit
from services.operations import operations
from store.queries.upkeep import operations as operation_rows
from store.tables.access import Operation
from store.tables.customers import SeenEventName
from value.orders import COMPLETED

KIND = "fit value"
"""The kind of the operation."""

NIGHT = range(2, 5)
"""Hours of the installation's clock in which it is asked for: few write then, and nobody looks."""

LATEST = timedelta(hours=48)
"""How old the last one may be before it no longer waits for the night: the installation stood still then."""


def any_due(session: Session, now: datetime) -> bool:
    """Whether a fit is to be asked for; without a single order there is none."""
    asked = value_fit.kept_fit(session).get("asked_at")
    age = now - datetime.fromisoformat(asked) if asked else None
    if age is not None and age < timedelta(hours=20):
        return False
    night = now.astimezone(ZoneInfo(installation_settings.load(session).timezone)).hour in NIGHT
    due = night or (age is not None and age > LATEST)
    return due and session.get(SeenEventName, COMPLETED) is not None


def run_due(session: Session, now: datetime, limit: int) -> int:
    """Ask for a fit where one is due."""
    if not any_due(session, now):
        return 0
    ask(session, now, "the clock")
    return 1


def ask(session: Session, now: datetime, by: str) -> Operation:
    """A fit that somebody asks for, or the one that is under way; tonight's is left out then."""
    if under_way := operation_rows.live_of_kind(session, KIND):
        return under_way[0]
    value_fit.keep(session, {"asked_at": now.isoformat()}, now)
    return operations.start(session, KIND, {}, now, by=by)


def pass_over(session: Session, now: datetime, error: str) -> None:
    """A fit that cannot be asked for is not asked for tonight."""
    value_fit.keep(session, {"asked_at": now.isoformat(), "refusal": error}, now)
