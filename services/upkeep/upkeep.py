"""What comes by the clock: dates that let customers in, broadcasts, clicks to judge, whoever is to be looked at again.

Each call does a page of one kind and returns how much it did; where the work stands is in the database.
"""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.facts import guards
from journeys.program.program import DATE_REACHED
from services.customers import due_dates, segments
from services.customers.event_log import NewEvent
from services.enrollments import customer_events
from services.enrollments.customer_events import Listeners
from services.feedback import opens_and_clicks
from services.upkeep import broadcast_clock
from store.queries import backfills, customers, events
from store.queries import due_dates as due_date_rows
from store.queries import segments as segment_rows
from store.tables.customers import Backfill, Customer, DateDue, Segment

PAGE = 100
RECHECK = timedelta(minutes=15)
DATES = "dates"


def look_at_everybody(session: Session, listeners: Listeners, now: datetime) -> None:
    """After many customers have come at once: their segments and dates are worked out in the background."""
    for segment in listeners.segments:
        backfills.start(session, segments.KIND, segment.key, now)
    for version, program in listeners.journeys:
        if program.dates:
            backfills.start(session, DATES, version.journey, now)


def anything(session: Session, now: datetime) -> bool:
    """Whether `do` may find something; asked often, so that an idle worker takes no lock."""
    return (
        bool(due_date_rows.due(session, now, 1))
        or broadcast_clock.anything(session, now)
        or opens_and_clicks.anything(session, now)
        or backfills.next_one(session) is not None
        or bool(_stale(session, now))
    )


def do(session: Session, now: datetime) -> int:
    """Do the next page of work."""
    for segment in _stale(session, now):
        segment.evaluated_at = now
        session.add(segment)
        backfills.start(session, segments.KIND, segment.key, now)
    session.flush()
    done = _dates(session, now) + broadcast_clock.do(session, now) + opens_and_clicks.settle(session, now)
    return done or _backfill(session, now)


def _stale(session: Session, now: datetime) -> list[Segment]:
    """Segments that time alone changes, and that were not looked at for a while."""
    return [
        one
        for one in segment_rows.listed(session)
        if guards.reads_now(one.guard) and (one.evaluated_at is None or one.evaluated_at < now - RECHECK)
    ]


def _dates(session: Session, now: datetime) -> int:
    """Let in whoever's date has come; a yearly one is set for next year."""
    due = due_date_rows.due(session, now, PAGE)
    listeners = Listeners.load(session) if due else None
    for one in sorted(due, key=lambda date: date.customer_id):
        assert listeners is not None
        customer = customers.lock(session, one.customer_id)
        session.delete(one)
        session.flush()
        if customer is not None:
            _reached(session, customer, one, listeners, now)
    return len(due)


def _reached(session: Session, customer: Customer, due: DateDue, listeners: Listeners, now: datetime) -> None:
    trigger = f"{due.journey}/{due.trigger}"
    message_id = f"date:{trigger}:{customer.id}:{due.at.isoformat()}"
    if not events.known_message_ids(session, [message_id]):
        event = NewEvent(name=DATE_REACHED, at=now, properties={"trigger": trigger}, message_id=message_id)
        customer_events.record(session, customer, event, listeners, now)
    due_dates.reschedule(session, customer, listeners.journeys, now)


def _backfill(session: Session, now: datetime) -> int:
    work = backfills.next_one(session)
    if work is None:
        return 0
    ids = backfills.page(session, work, PAGE)
    if not ids:
        session.delete(work)
        return 1
    listeners = Listeners.load(session)
    for customer_id in ids:
        customer = customers.lock(session, customer_id)
        if customer is not None:
            WORK[work.kind](session, work, customer, listeners, now)
    work.cursor = ids[-1]
    session.add(work)
    return len(ids)


def _segment(session: Session, work: Backfill, customer: Customer, listeners: Listeners, now: datetime) -> None:
    segment = next((one for one in listeners.segments if one.key == work.key), None)
    change = segments.evaluate(session, segment, customer, now) if segment is not None else None
    if change is not None:
        customer_events.join_or_leave(session, customer, change, listeners, now)


def _customers_dates(session: Session, work: Backfill, customer: Customer, listeners: Listeners, now: datetime) -> None:
    due_dates.reschedule(session, customer, listeners.journeys, now)


WORK: Mapping[str, Callable[[Session, Backfill, Customer, Listeners, datetime], None]] = {
    segments.KIND: _segment,
    DATES: _customers_dates,
}
