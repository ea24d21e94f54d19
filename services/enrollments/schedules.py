"""A schedule comes round: the members of its segment are let in, by the rules that hold for everybody."""

from datetime import datetime

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.program.program import Program, ScheduleTrigger
from services.customers import known_facts
from services.definitions import journeys
from services.enrollments import entry
from services.enrollments.entry import Admission
from services.errors import NotFound, Refused
from store.queries import customers, enrollments, segments
from store.queries.dispatches import Priority
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion

PAGE = 100
"""Members of a segment in one transaction: their locks are held no longer than that takes."""


def page(
    session: Session, digest: str, trigger: str, occasion: str, cursor: str, now: datetime
) -> tuple[str, int] | None:
    """Let the members behind `cursor` in; return the last one and how many entered, or None behind the last page.

    `digest` and `trigger` name the schedule, `occasion` the time it comes round.
    """
    program = journeys.compiled(session, digest)
    schedule = next(one for one in program.schedules if one.name == trigger)
    try:
        version, live = journeys.live(session, program.journey)
    except NotFound:
        return None
    members = segments.member_ids(session, schedule.segment, cursor, PAGE) if live.digest == digest else ()
    if not members:
        return None
    entered = 0
    for member in members:
        customer = customers.lock(session, member)
        if customer is not None:
            entered += _enter(session, version, program, schedule, customer, occasion, now)
    return members[-1], entered


def _enter(
    session: Session,
    version: JourneyVersion,
    program: Program,
    schedule: ScheduleTrigger,
    customer: Customer,
    occasion: str,
    now: datetime,
) -> bool:
    """One member; whether they were let in. Who was on this occasion already is left alone."""
    source, about = f"schedule {occasion}", {"schedule": schedule.name}
    if enrollments.by_source(session, customer.id, source, program.journey):
        return False
    against = _guard_against(session, program, schedule, customer, now)
    if against is not None:
        entry.record_refusal(session, version.journey, customer, "guard_false", now, {**about, "guards": [against]})
        return False
    admission = Admission(source=source, priority=Priority.BULK_START)
    try:
        entry.enroll_on_record(session, version, program, customer, admission, now, about)
    except Refused:
        return False
    return True


def _guard_against(
    session: Session, program: Program, schedule: ScheduleTrigger, customer: Customer, now: datetime
) -> dict[str, object] | None:
    """The schedule's guard with the values it saw, where it keeps this customer out."""
    if schedule.guard is None:
        return None
    text = program.guards[schedule.guard]
    verdict = guards.evaluate(text, customer_facts.context(known_facts.known(session, customer), None, {}, now))
    return None if verdict.holds else {"guard": text, "seen": dict(verdict.seen)}
