"""Dates that let customers in: each is worked out when the customer changes, and kept until it comes."""

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import Session

from journeys.facts import calendar
from journeys.program import date_triggers
from services.customers import known_facts
from services.installation import installation_settings
from store.queries import due_dates as due_date_rows
from store.queries.journeys import LiveJourney
from store.tables.customers import Customer, DateDue


def reschedule(session: Session, customer: Customer, live: Iterable[LiveJourney], now: datetime) -> None:
    """Work out every date of this customer anew, in the journeys of `live`. One that has passed lets nobody in.

    Local times are those of the customer's zone, else the journey's, else the installation's.
    """
    zone = installation_settings.load(session).timezone
    dated = [(version.journey, program) for version, program in live if program.dates]
    if not dated:
        return
    due_date_rows.drop(session, customer.id, [journey for journey, _ in dated])
    for journey, program in dated:
        for trigger in program.dates:
            value = known_facts.attributes(customer).get(trigger.date.attribute)
            at = date_triggers.comes(trigger, value, calendar.zone_of(customer.timezone, program.timezone, zone), now)
            if at is not None:
                session.add(DateDue(journey=journey, trigger=trigger.name, customer_id=customer.id, at=at))
    session.flush()
