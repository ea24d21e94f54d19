"""A schedule comes round: the members of its segment are let in, by the rules that hold for everybody."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.facts import customer_facts, guards
from journeys.facts.customer_facts import CustomerFacts
from journeys.facts.guard_cost import EVENT, Purse
from journeys.facts.guards import GuardResult
from journeys.program.program import Program, ScheduleTrigger
from services.customers.attributes import known_facts, unreadable
from services.definitions.journey_versions import journeys
from services.enrollments.entering import entry
from services.enrollments.entering.entry import Admission, Refusal, Request
from services.errors import NotFound
from store.queries.audiences import segments
from store.queries.dispatching.dispatches import Priority
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.tables.customers import Customer
from store.tables.definitions import JourneyVersion
from store.tables.enrollments import Enrollment

PAGE = 100
"""Members of a segment in one transaction, fewer where the guard is dear: their locks are held no longer than that
takes."""


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
    candidates = customers.lock_all(session, members)
    entered, next_one = _enter(session, version, program, schedule, candidates, occasion, now)
    return (members[-1] if next_one is None else members[members.index(next_one.id) - 1]), entered


def _enter(
    session: Session,
    version: JourneyVersion,
    program: Program,
    schedule: ScheduleTrigger,
    candidates: Sequence[Customer],
    occasion: str,
    now: datetime,
) -> tuple[int, Customer | None]:
    """How many of these members were let in, and the first for whom there was no time; the first of all has it.

    Who was let in on this occasion already is left alone.
    """
    source, about = f"schedule {occasion}", {"schedule": schedule.name}
    begun = enrollments.begun_by(session, program.journey, source, [one.id for one in candidates])
    known = known_facts.of_all(session, [(one, None) for one in candidates if one.id not in begun])
    requests, refused = list[Request](), list[Refusal]()
    asked: list[tuple[str, str, GuardResult]] = []
    purse, next_one = Purse(EVENT), None
    for customer in candidates:
        if customer.id in begun:
            continue
        verdict = _asked(program, schedule, known[customer.id], now, purse)
        if verdict is not None and verdict.put_off:
            next_one = customer
            break
        if verdict is not None:
            asked.append((customer.id, f"journey {program.journey}", verdict))
        if verdict is not None and not verdict.holds:
            against = {"guard": verdict.guard, "seen": dict(verdict.seen)}
            refused.append(Refusal(customer=customer, reason="guard_false", detail={**about, "guards": [against]}))
        else:
            admission = Admission(source=source, priority=Priority.BULK_START)
            requests.append(Request(customer=customer, admission=admission, about=about))
    unreadable.note_asked(session, asked, now)
    entry.record_refusals(session, version.journey, refused, now)
    outcomes = entry.enroll_all(session, version, program, requests, now)
    return sum(isinstance(one, Enrollment) for one in outcomes), next_one


def _asked(
    program: Program, schedule: ScheduleTrigger, known: CustomerFacts, now: datetime, purse: Purse
) -> GuardResult | None:
    """What the schedule's guard says of this customer, with the values it saw; None where it has none."""
    if schedule.guard is None:
        return None
    return guards.evaluate(program.guards[schedule.guard], customer_facts.context(known, None, {}, now), purse)
