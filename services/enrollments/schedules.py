"""A schedule comes round: the members of its segment are let in, by the rules that hold for everybody."""

from datetime import datetime

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.program.program import Program, ScheduleTrigger
from services.customers import known_facts, segments
from services.definitions import journeys
from services.enrollments import entry
from services.errors import NotFound, Refused
from store.queries import customers
from store.queries.dispatches import Priority
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion

PAGE = 100


def page(
    session: Session, digest: str, trigger: str, occasion: str, cursor: str, now: datetime
) -> tuple[str, int] | None:
    """Let the next members in; return the last one and how many entered, or None behind the last page."""
    program = journeys.compiled(session, digest)
    schedule = next(one for one in program.schedules if one.name == trigger)
    try:
        version, live = journeys.live(session, program.journey)
    except NotFound:
        return None
    members = segments.members(session, schedule.segment, cursor, PAGE) if live.digest == digest else ()
    if not members:
        return None
    entered = 0
    for member in members:
        customer = customers.lock(session, member.customer_id)
        if customer is not None:
            entered += _enter(session, version, program, schedule, customer, occasion, now)
    return members[-1].customer_id, entered


def _enter(
    session: Session,
    version: JourneyVersion,
    program: Program,
    schedule: ScheduleTrigger,
    customer: Customer,
    occasion: str,
    now: datetime,
) -> int:
    """One member; who was let in on this occasion already is left alone."""
    source = f"schedule {occasion}"
    if entry.by_source(session, customer.id, program.journey, source):
        return 0
    refusal = _refused(session, program, schedule, customer, now)
    if refusal is None:
        try:
            entry.enroll(session, version, program, customer, source=source, now=now, priority=Priority.BULK_START)
        except Refused as refused:
            refusal = {"reason": refused.path or "refused", "because": refused.message}
    if refusal is not None:
        reason = str(refusal.pop("reason"))
        entry.record_refusal(session, version.journey, customer, reason, now, {"schedule": schedule.name, **refusal})
    return int(refusal is None)


def _refused(
    session: Session, program: Program, schedule: ScheduleTrigger, customer: Customer, now: datetime
) -> dict[str, object] | None:
    if schedule.guard is None:
        return None
    text = program.guards[schedule.guard]
    verdict = guards.evaluate(text, customer_facts.context(known_facts.known(session, customer), None, {}, now))
    return None if verdict.holds else {"reason": "guard_false", "guards": [{"guard": text, "seen": dict(verdict.seen)}]}
