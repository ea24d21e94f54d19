"""Letting customers into a journey: the re-entry rules, the run number, the enrollment and its start."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlmodel import Session, col, select

from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.rules.entry_rules import REFUSALS, Run
from services.errors import Refused
from store import bulk
from store.ids import new_id, workflow_id
from store.queries import decisions, dispatches
from store.queries.counts import Tally
from store.queries.dispatches import Priority
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Dispatch, Enrollment


def enroll(
    session: Session,
    version: JourneyVersion,
    program: Program,
    customer: Customer,
    *,
    source: str,
    now: datetime,
    key: str = "",
    cursor: int | None = None,
    data: Mapping[str, Any] | None = None,
    priority: Priority = Priority.START,
) -> Enrollment:
    """Start a run; raise Refused (and let the caller record it) where the re-entry rule forbids one.

    The caller holds the customer's lock, so the run number is decided once.
    """
    last = _last_run(session, version.journey, customer.id, key)
    refusal = entry_rules.refusal(program, _as_run(last), now)
    if refusal:
        raise Refused(REFUSALS[refusal], refusal)
    if last is not None and last.status == EnrollmentStatus.LIVE:
        leave = dispatches.row(last.id, last.workflow_id, "leave", {"reason": "restarted"}, Priority.SIGNAL, now)
        bulk.add(session, Dispatch, [leave])
    run = last.run + 1 if last else 1
    enrollment = Enrollment(
        id=new_id("enr"),
        journey=version.journey,
        version=version.number,
        digest=version.digest,
        customer_id=customer.id,
        key=key,
        run=run,
        workflow_id=workflow_id(version.journey, customer.id, key, run),
        source=source,
        data=dict(data or {}),
        stage=program.start,
        cursor=customer.seq if cursor is None else cursor,
        entered_at=now,
        stage_since=now,
    )
    session.add(enrollment)
    session.flush()
    tally = Tally()
    tally.arrive(enrollment.id, (version.journey, program.start, ""))
    tally.move(enrollment.id, version.journey, "", program.start)
    tally.write(session)
    start = {"digest": version.digest, "state": _fresh(enrollment)}
    bulk.add(session, Dispatch, [dispatches.row(enrollment.id, enrollment.workflow_id, "start", start, priority, now)])
    return enrollment


def _fresh(enrollment: Enrollment) -> dict[str, Any]:
    """The state of an enrollment that has not begun; what is left out has its default."""
    return {
        "customer": enrollment.customer_id,
        "enrollment": enrollment.id,
        "cursor": enrollment.cursor,
        "entered_at": enrollment.entered_at.isoformat(),
    }


def _as_run(last: Enrollment | None) -> Run | None:
    return (
        None
        if last is None
        else Run(live=last.status == EnrollmentStatus.LIVE, ended_at=last.ended_at or last.entered_at)
    )


def _last_run(session: Session, journey: str, customer_id: str, key: str) -> Enrollment | None:
    here = (Enrollment.journey == journey, Enrollment.customer_id == customer_id, Enrollment.key == key)
    query = select(Enrollment).where(*here)
    return session.exec(query.order_by(col(Enrollment.run).desc()).limit(1)).first()


def by_source(session: Session, customer_id: str, journey: str, source: str) -> bool:
    """Whether this very source has let the customer in."""
    query = select(Enrollment.id).where(
        Enrollment.customer_id == customer_id, Enrollment.journey == journey, Enrollment.source == source
    )
    return session.exec(query.limit(1)).first() is not None


def record_refusal(
    session: Session, journey: str, customer: Customer, reason: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    """Put on record why a trigger did not let the customer in."""
    row = decisions.row(customer.id, "not_entered", {"reason": reason, **detail}, now, journey=journey)
    decisions.add(session, [row])
