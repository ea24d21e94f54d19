"""Letting customers into a journey: the re-entry rules, the run number, the enrollment and its start."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlmodel import Session

from journeys.machine.state import ENGINE_VERSION
from journeys.program import compiler
from journeys.program.assignment import is_tried_on
from journeys.program.program import Program
from journeys.rules import entry_rules
from journeys.rules.entry_rules import REFUSALS, LastEnrollment
from services.enrollments.controls import asking
from services.errors import Refused
from store import bulk
from store.ids import new_id
from store.queries.definitions import journeys
from store.queries.definitions.journeys import LiveJourney
from store.queries.dispatching import dispatches
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import decisions, enrollments
from store.queries.figures import counts
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A locked customer who is to be let in, by what, and what a refusal is about."""

    customer: Customer
    admission: Admission
    about: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """Why a customer was not let in: a reason of the timeline, and what there is to say about it."""

    customer: Customer
    reason: str
    detail: Mapping[str, Any]


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
    (started,) = _start_all(session, version, program, [Request(customer=customer, admission=admission)], now)
    if isinstance(started, Refused):
        raise started
    return started


def enroll_all(
    session: Session, version: JourneyVersion, program: Program, requests: Sequence[Request], now: datetime
) -> list[Enrollment | Refused]:
    """Start a run for each of these customers, who come once each, or say why not; refusals are put on record."""
    outcomes = _start_all(session, version, program, requests, now)
    refused = [
        Refusal(
            customer=one.customer,
            reason=outcome.path or "refused",
            detail={**one.about, "because": outcome.message},
        )
        for one, outcome in zip(requests, outcomes, strict=True)
        if isinstance(outcome, Refused)
    ]
    record_refusals(session, version.journey, refused, now)
    return outcomes


def record_refusals(session: Session, journey: str, refused: Sequence[Refusal], now: datetime) -> None:
    """Put on record why customers were not let in."""
    rows = [
        decisions.row(one.customer.id, "not_entered", {"reason": one.reason, **one.detail}, now, journey=journey)
        for one in refused
    ]
    decisions.add(session, rows)


def _start_all(
    session: Session, version: JourneyVersion, program: Program, requests: Sequence[Request], now: datetime
) -> list[Enrollment | Refused]:
    if not requests:
        return []
    names = [(one.customer.id, one.admission.key) for one in requests]
    versions = _entered(session, version, program)
    runs = enrollments.last_runs(session, version.journey, names)
    outcomes, begun, rows = list[Enrollment | Refused](), list[Enrollment](), list[bulk.ColumnValues]()
    restarted = list[Enrollment]()
    for one, name in zip(requests, names, strict=True):
        last = runs.get(name)
        refusal = entry_rules.refusal(program, _as_run(last), now)
        if refusal:
            outcomes.append(Refused(REFUSALS[refusal], refusal))
            continue
        if last is not None and last.status == EnrollmentStatus.LIVE:
            restarted.append(last)
        enrollment = _run(versions, one, last, now)
        begun.append(enrollment)
        outcomes.append(enrollment)
        start = {"digest": enrollment.digest, "state": {**enrollment.state, "entered_at": None}}
        rows.append(dispatches.row(enrollment.id, enrollment.workflow_id, "start", start, one.admission.priority, now))
    asking.leave(session, restarted, "restarted", now)
    session.add_all(begun)
    session.flush()
    _count(session, begun)
    dispatches.add(session, rows)
    return outcomes


def _entered(session: Session, version: JourneyVersion, program: Program) -> Callable[[str], LiveJourney]:
    """Which version an enrollment enters: the live one, or the one before where that is tried on a few."""
    live = version, program
    if version.others is None:
        return lambda enrollment: live
    before = journeys.by_numbers(session, version.journey, [version.others])[version.others]
    others = before, compiler.load(before.canonical)
    return lambda enrollment: live if is_tried_on(version.journey, enrollment, version.share) else others


def _run(
    versions: Callable[[str], LiveJourney], request: Request, last: Enrollment | None, now: datetime
) -> Enrollment:
    customer, admission, name = request.customer, request.admission, new_id("enr")
    version, program = versions(name)
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
            enrollment_id=name,
        )
    )
    enrollment.state = _fresh(enrollment)
    return enrollment


def _count(session: Session, begun: Sequence[Enrollment]) -> None:
    tally = counts.tally(session)
    for one in begun:
        tally.arrive(one.id, (one.journey, one.stage, ""))
        tally.move(one.id, one.journey, "", one.stage, one.entered_at)


def _fresh(enrollment: Enrollment) -> dict[str, Any]:
    """The state of an enrollment that has not begun; what is left out has its default."""
    return {
        "customer": enrollment.customer_id,
        "enrollment": enrollment.id,
        "cursor": enrollment.cursor,
        "entered_at": enrollment.entered_at.isoformat(),
        "engine": ENGINE_VERSION,
    }


def _as_run(last: Enrollment | None) -> LastEnrollment | None:
    if last is None:
        return None
    return LastEnrollment(live=last.status == EnrollmentStatus.LIVE, ended_at=last.ended_at or last.entered_at)
