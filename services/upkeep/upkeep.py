"""What comes by the clock: dates that let customers in, broadcasts, clicks to judge, whoever is to be looked at again.

Each call does a page of one kind and returns how much it did; where the work stands is in the database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from journeys.facts import guards
from journeys.facts.guard_cost import EVENT, Purse, Purses
from journeys.program.program import DATE_REACHED
from services.attribution import crediting
from services.customers.attributes import due_dates
from services.customers.audiences import segments
from services.customers.history import past_orders
from services.customers.history.event_log import NewEvent
from services.enrollments.controls import poking
from services.enrollments.entering import customer_events
from services.enrollments.entering.customer_events import Listeners
from services.feedback.returns import opens_and_clicks
from services.upkeep.clocks import broadcast_clock, experiment_clock, value_clock
from services.upkeep.silence import silence_clock
from store.bulk import turns
from store.queries.audiences import due_dates as due_date_rows
from store.queries.audiences import segments as segment_rows
from store.queries.enrollment import decisions
from store.queries.history import events
from store.queries.identity import customers
from store.queries.upkeep import backfills, due_work
from store.tables.customers import Backfill, Customer, DateDue, Segment

PAGE = 100
"""Items of a duty in one transaction, each a customer's, whose lock is held until its end."""

RECHECK = timedelta(minutes=15)
"""How old a look at a segment that time alone changes may be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Duty:
    """One kind of work that comes by the clock.

    `do` does so many items in the order in which they are due, and returns how many there were; `pass_over` puts the
    first of them aside, on record, with the name of the error that it raises.
    """

    name: str
    run_due: Callable[[Session, datetime, int], int]
    pass_over: Callable[[Session, datetime, str], None]


def any_due(session: Session, now: datetime) -> bool:
    """Whether `do` may find something; asked often, so that an idle worker takes no lock."""
    return (
        due_work.any_due(session, now, now - opens_and_clicks.SETTLES)
        or broadcast_clock.any_due(session, now)
        or value_clock.any_due(session, now)
        or bool(_stale(session, now))
    )


def do(session: Session, now: datetime) -> int:
    """Do the next page of every duty; what goes over all customers waits for the others. Return how much was done."""
    done = sum(duty.run_due(session, now, PAGE) for duty in DUTIES[:-1])
    return done or DUTIES[-1].run_due(session, now, PAGE)


def _segments(session: Session, now: datetime, limit: int) -> int:
    """Look at everybody again for segments that time alone changes."""
    for segment in _stale(session, now):
        segment.evaluated_at = now
        session.add(segment)
        backfills.start(session, segments.KIND, segment.key, now)
    session.flush()
    return 0


def _pass_over_segments(session: Session, now: datetime, error: str) -> None:
    """A guard that cannot be read is looked at again another time."""
    for segment in segment_rows.listed(session):
        if segment.evaluated_at is None or segment.evaluated_at < now - RECHECK:
            segment.evaluated_at = now
            session.add(segment)


def _stale(session: Session, now: datetime) -> list[Segment]:
    """Segments that time alone changes, and that were not looked at for a while."""
    return [
        one
        for one in segments.readable(session)
        if guards.reads_now(one.guard) and (one.evaluated_at is None or one.evaluated_at < now - RECHECK)
    ]


def _dates(session: Session, now: datetime, limit: int) -> int:
    """Let in whoever's date has come; a yearly one is set for next year."""
    due = due_date_rows.due(session, now, limit)
    if not due:
        return 0
    by_id = {one.id: one for one in customers.lock_all(session, {one.customer_id for one in due})}
    for one in due:
        session.delete(one)
    session.flush()
    listeners = Listeners.load(session)
    reached = [(by_id[one.customer_id], one) for one in due if one.customer_id in by_id]
    for turn in turns(reached, lambda pair: pair[1].customer_id):
        _reached(session, turn, listeners, now)
    return len(due)


def _pass_over_date(session: Session, now: datetime, error: str) -> None:
    """The next date lets nobody in, on record: what it raises it would raise again."""
    for one in due_date_rows.due(session, now, 1):
        detail = {"reason": "unexpected_error", "because": f"{one.trigger}: {error}", "at": one.at.isoformat()}
        decisions.add(session, [decisions.row(one.customer_id, "not_entered", detail, now, journey=one.journey)])
        session.delete(one)


def _reached(session: Session, due: Sequence[tuple[Customer, DateDue]], listeners: Listeners, now: datetime) -> None:
    """A date of each of these customers has come: an event of theirs, once."""
    happened = [(customer, _event(customer, date, now)) for customer, date in due]
    known = events.known_message_ids(session, [one.message_id for _, one in happened if one.message_id])
    fresh = [(customer, one) for customer, one in happened if one.message_id not in known]
    customer_events.record_all(session, fresh, listeners, now, purses=_one_each(len(fresh)))
    due_dates.reschedule(session, [customer for customer, _ in due], listeners.journeys, now)


def _event(customer: Customer, due: DateDue, now: datetime) -> NewEvent:
    trigger = f"{due.journey}/{due.trigger}"
    message_id = f"date:{trigger}:{customer.id}:{due.at.isoformat()}"
    return NewEvent(name=DATE_REACHED, at=now, properties={"trigger": trigger}, message_id=message_id)


def _backfill(session: Session, now: datetime, limit: int) -> int:
    """The next customers of what goes over many of them; a removed segment's members go before all others."""
    work = backfills.next_one(session, segments.REMOVED)
    if work is None:
        return 0
    if backfills.begin(session, work, now):
        return 1
    if work.kind == segments.REMOVED:
        count = segments.let_go(session, work.key)
    else:
        count = _customers(session, work, now, limit)
    if not count:
        session.delete(work)
    return count or 1


def _customers(session: Session, work: Backfill, now: datetime, limit: int) -> int:
    """The next of all customers; a page ends sooner where what is done of each is dear."""
    ids = backfills.page(session, work, limit)
    listeners, page = Listeners.load(session), customers.lock_all(session, ids)
    done = WORK[work.kind](session, work, page, listeners, now)
    if ids:
        work.cursor = page[done - 1].id if done < len(page) else ids[-1]
    session.add(work)
    return len(ids)


def _segment(session: Session, work: Backfill, page: Sequence[Customer], listeners: Listeners, now: datetime) -> int:
    segment = next((one for one in listeners.segments if one.key == work.key), None)
    if segment is None:
        return len(page)
    changed, looked = segments.recount(session, segment, page, now)
    customer_events.join_or_leave(session, changed, listeners, now, purses=_one_each(len(changed)))
    return looked


def _one_each(count: int) -> Purses:
    """Nobody's guards are put off for those of others: a date comes once, and so does the day on which one joins."""
    return Purses(Purse(count * EVENT))


def _customers_dates(
    session: Session, work: Backfill, page: Sequence[Customer], listeners: Listeners, now: datetime
) -> int:
    due_dates.reschedule(session, page, listeners.journeys, now)
    return len(page)


def _pass_over_customer(session: Session, now: datetime, error: str) -> None:
    """The next customer keeps their segments and dates as they are, on record."""
    work = backfills.next_one(session, segments.REMOVED)
    if work is None or backfills.begin(session, work, now):
        return
    removed = work.kind == segments.REMOVED
    ids = segment_rows.member_ids(session, work.key, "", 1) if removed else backfills.page(session, work, 1)
    if removed:
        segment_rows.drop_members(session, work.key, ids)
    for customer_id in ids:
        detail = {"reason": "unexpected_error", "because": f"{work.kind} {work.key}: {error}"}
        decisions.add(session, [decisions.row(customer_id, "not_looked_at", detail, now)])
        work.cursor = customer_id
        session.add(work)
    if not ids:
        session.delete(work)


def _past_orders(
    session: Session, work: Backfill, page: Sequence[Customer], listeners: Listeners, now: datetime
) -> int:
    past_orders.fold(session, page)
    return len(page)


def _past_credits(
    session: Session, work: Backfill, page: Sequence[Customer], listeners: Listeners, now: datetime
) -> int:
    crediting.credit_past(session, [one.id for one in page], listeners.attribution, now)
    return len(page)


WORK: Mapping[str, Callable[[Session, Backfill, Sequence[Customer], Listeners, datetime], int]] = {
    segments.KIND: _segment,
    due_dates.KIND: _customers_dates,
    past_orders.KIND: _past_orders,
    crediting.KIND: _past_credits,
}
"""What is done of each customer, by the kind of a backfill; it returns how many of the page it was done of."""


DUTIES = (
    Duty(name="segments", run_due=_segments, pass_over=_pass_over_segments),
    Duty(name="dates", run_due=_dates, pass_over=_pass_over_date),
    Duty(name="broadcasts", run_due=broadcast_clock.run_due, pass_over=broadcast_clock.pause_next),
    Duty(name="experiments", run_due=experiment_clock.run_due, pass_over=experiment_clock.put_off),
    Duty(name="overdue", run_due=poking.nudge, pass_over=poking.pass_over),
    Duty(name="value", run_due=value_clock.run_due, pass_over=value_clock.pass_over),
    Duty(name="clicks", run_due=opens_and_clicks.judge_due, pass_over=opens_and_clicks.drop_next),
    Duty(name="customers", run_due=_backfill, pass_over=_pass_over_customer),
)
"""In their order. The last one goes over all customers, and waits for the others."""

SILENCES = Duty(name="silences", run_due=silence_clock.run_due, pass_over=silence_clock.pass_over)
"""What has stopped happening is looked for while nothing is due, since nobody waits for it."""
