"""Where an enrollment stands once a wake is over: shown, counted, and put on record for those who asked for it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from pydantic_core import to_jsonable_python
from sqlmodel import Session

from journeys.machine.state import State
from services.access import audit_log
from services.enrollments.controls import asking
from store.queries.figures import counts
from store.statuses import ControlStatus, EnrollmentStatus
from store.tables.enrollments import ControlRequest, Enrollment


def show(session: Session, own: Enrollment, reached: State, now: datetime) -> None:
    """Show where the enrollment stands now, and count it there."""
    _count(session, own, reached, now)
    own.stage, own.step, own.visit, own.cursor = reached.stage, reached.position, reached.visit, reached.cursor
    own.stage_since, own.wakes_at = reached.since or own.stage_since, reached.wakes_at
    own.paused, own.reason = reached.paused, reached.reason
    if reached.ended and own.status == EnrollmentStatus.LIVE:
        own.status, own.ended_at = EnrollmentStatus.ENDED, own.ended_at or reached.clock


def _count(session: Session, own: Enrollment, reached: State, now: datetime) -> None:
    tally = counts.tally(session)
    stood, stands = (own.journey, own.stage, own.step or ""), (own.journey, reached.stage, reached.position or "")
    if own.status != EnrollmentStatus.LIVE or (stood == stands and not reached.ended):
        return
    tally.leave(own.id, stood)
    if reached.ended:
        ended_at = own.ended_at or reached.clock or now
        tally.end(own.id, own.journey, reached.stage, reached.reason or "", ended_at, own.stage_since)
    else:
        tally.arrive(own.id, stands)


def put_on_record(session: Session, own: Enrollment, settled: Sequence[ControlRequest], before: dict[str, Any]) -> None:
    """What came of that which persons asked for: where the enrollment stood, and stands now; or why it was refused."""
    if not settled:
        return
    stood, stands = to_jsonable_python(before), to_jsonable_python(asking.standing(own))
    for control in settled:
        refused = control.status == ControlStatus.REFUSED
        told = ({}, {"refused": control.refusal}) if refused else (stood, stands)
        audit_log.settle(session, control.enrollment_id, control.id, *told)
