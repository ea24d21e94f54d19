"""Splits that decide themselves: looked at when their time has come."""

from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.program.program import Program
from services.access import audit_log
from services.definitions.journey_versions import journeys
from services.errors import NotFound, Refused
from services.experiments import deciding
from store.queries.definitions import experiments

AGAIN = timedelta(days=1)
"""When one is looked at again whose look raised an error."""


def run_due(session: Session, now: datetime, limit: int) -> int:
    """Look at so many; return how many there were."""
    due = experiments.due(session, now, limit)
    for one in due:
        deciding.look(session, _live(session, one.journey), one, now)
    return len(due)


def put_off(session: Session, now: datetime, error: str) -> None:
    """The next one is looked at tomorrow, on record: what it raises it would raise again."""
    for one in experiments.due(session, now, 1):
        one.next_look_at = now + AGAIN
        session.add(one)
        after = {"split": one.split, "because": error}
        audit_log.record(session, deciding.ITSELF, "not decided", "journey", one.journey, now, None, after)


def _live(session: Session, journey: str) -> Program | None:
    try:
        return journeys.live(session, journey)[1]
    except (NotFound, Refused):
        return None
