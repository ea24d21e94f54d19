"""Dates that let customers in: each is worked out when the customer changes, and kept until it comes."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, select

from journeys import calendar
from journeys.program import DateTrigger, Program
from services import knowing
from store.tables import Customer, DateDue, JourneyVersion

Live = Iterable[tuple[JourneyVersion, Program]]


def reschedule(session: Session, customer: Customer, live: Live, now: datetime) -> None:
    """Work out every date of this customer anew. One that has passed lets nobody in."""
    dated = [(version.journey, program) for version, program in live if program.dates]
    if not dated:
        return
    here = (col(DateDue.customer_id) == customer.id, col(DateDue.journey).in_([journey for journey, _ in dated]))
    session.connection().execute(delete(DateDue).where(*here))
    for journey, program in dated:
        for trigger in program.dates:
            at = comes(trigger, program, customer, now)
            if at is not None:
                session.add(DateDue(journey=journey, trigger=trigger.name, customer_id=customer.id, at=at))
    session.flush()


def comes(trigger: DateTrigger, program: Program, customer: Customer, now: datetime) -> datetime | None:
    """When the trigger next fires for this customer; None where its date has passed or is missing."""
    zone = calendar.zone_of(customer.timezone, program.timezone)
    date = calendar.read_date(knowing.attributes(customer).get(trigger.date.attribute), zone)
    if date is None:
        return None
    for moved in _each_year(date, now, zone) if trigger.yearly else (date,):
        at = calendar.moved(moved, trigger.date.offset, trigger.date.at, zone)
        if at > now:
            return at
    return None


def _each_year(date: datetime, now: datetime, zone: ZoneInfo) -> Iterable[datetime]:
    """The same day of this year and those around it; the 29th of February is the 28th in other years."""
    local = date.astimezone(zone).replace(tzinfo=None)
    this_year = now.astimezone(zone).year
    for year in range(this_year - 1, this_year + 3):
        if year >= local.year:
            day = local.day if (local.month, local.day) != (2, 29) or _leap(year) else 28
            yield calendar.resolve(local.replace(year=year, day=day), zone)


def _leap(year: int) -> bool:
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def due(session: Session, now: datetime, limit: int) -> Sequence[DateDue]:
    """Dates that have come, the oldest first."""
    return session.exec(select(DateDue).where(col(DateDue.at) <= now).order_by(col(DateDue.at)).limit(limit)).all()
