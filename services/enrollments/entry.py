"""Letting customers into a journey: the re-entry rules, the run number, the enrollment and its start."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.rules.entry_rules import REFUSALS, LastEnrollment
from services.errors import Refused
from store import bulk
from store.queries import decisions, dispatches, enrollments
from store.queries.counts import Tally
from store.queries.dispatches import Priority
from store.statuses import EnrollmentStatus
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Enrollment


@dataclass(frozen=True, slots=True, kw_only=True)
class Admission:
    """What lets a customer in.

    `source` names it in the enrollment; `key` tells runs side by side apart. `cursor` is the number of the last event
    that the run does not hear: the one that let them in, say, and else the customer's last. `data` is what the run
    finds in `enrollment`.
    """

    source: str
    key: str = ""
    cursor: int | None = None
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])
    priority: Priority = Priority.START


def enroll(
    session: Session,
    version: JourneyVersion,
    program: Program,
    customer: Customer,
    admission: Admission,
    now: datetime,
) -> Enrollment:
    """Start a run; raise Refused (and let the caller record it) where the re-entry rule forbids one.

    The caller holds the customer's lock, so the run number is decided once.
    """
    last = enrollments.last_run(session, version.journey, customer.id, admission.key)
    refusal = entry_rules.refusal(program, _as_run(last), now)
    if refusal:
        raise Refused(REFUSALS[refusal], refusal)
    rows: list[bulk.ColumnValues] = []
    if last is not None and last.status == EnrollmentStatus.LIVE:
        leave = {"reason": "restarted"}
        rows.append(dispatches.row(last.id, last.workflow_id, "leave", leave, Priority.SIGNAL, now))
    enrollment = Enrollment(
        **enrollments.row(
            version,
            customer.id,
            key=admission.key,
            run=last.run + 1 if last else 1,
            source=admission.source,
            data=admission.data,
            stage=program.start,
            cursor=customer.seq if admission.cursor is None else admission.cursor,
            entered_at=now,
        )
    )
    session.add(enrollment)
    session.flush()
    _count(session, enrollment)
    start = {"digest": version.digest, "state": _fresh(enrollment)}
    rows.append(dispatches.row(enrollment.id, enrollment.workflow_id, "start", start, admission.priority, now))
    dispatches.add(session, rows)
    return enrollment


def enroll_on_record(
    session: Session,
    version: JourneyVersion,
    program: Program,
    customer: Customer,
    admission: Admission,
    now: datetime,
    about: Mapping[str, Any],
) -> Enrollment:
    """The same; a refusal is put on record, with what it was `about`, before Refused is raised."""
    try:
        return enroll(session, version, program, customer, admission, now)
    except Refused as refused:
        detail = {**about, "because": refused.message}
        record_refusal(session, version.journey, customer, refused.path or "refused", now, detail)
        raise


def record_refusal(
    session: Session, journey: str, customer: Customer, reason: str, now: datetime, detail: Mapping[str, Any]
) -> None:
    """Put on record why a trigger did not let the customer in."""
    row = decisions.row(customer.id, "not_entered", {"reason": reason, **detail}, now, journey=journey)
    decisions.add(session, [row])


def _count(session: Session, enrollment: Enrollment) -> None:
    tally = Tally()
    tally.arrive(enrollment.id, (enrollment.journey, enrollment.stage, ""))
    tally.move(enrollment.id, enrollment.journey, "", enrollment.stage)
    tally.write(session)


def _fresh(enrollment: Enrollment) -> dict[str, Any]:
    """The state of an enrollment that has not begun; what is left out has its default."""
    return {
        "customer": enrollment.customer_id,
        "enrollment": enrollment.id,
        "cursor": enrollment.cursor,
        "entered_at": enrollment.entered_at.isoformat(),
    }


def _as_run(last: Enrollment | None) -> LastEnrollment | None:
    if last is None:
        return None
    return LastEnrollment(live=last.status == EnrollmentStatus.LIVE, ended_at=last.ended_at or last.entered_at)
