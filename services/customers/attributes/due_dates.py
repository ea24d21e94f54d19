"""Dates that let customers in: each is worked out when the customer changes, and kept until it comes."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from sqlmodel import Session

from journeys.facts import calendar
from journeys.facts.guards import shown
from journeys.program import date_triggers
from journeys.program.program import Program
from services.customers.attributes import known_facts
from services.installation import installation_settings
from store import bulk
from store.queries.audiences import due_dates as due_date_rows
from store.queries.definitions.journeys import LiveJourney
from store.queries.enrollment import decisions
from store.queries.history import unreadable_values
from store.queries.history.unreadable_values import UnreadableValue
from store.tables.customers import Customer

KIND = "dates"
"""The kind of the backfills that work out dates; `segments.KIND` is that of the others."""


def reschedule(session: Session, customers: Sequence[Customer], live: Iterable[LiveJourney], now: datetime) -> None:
    """Work out every date of these customers anew, in the journeys of `live`. One that has passed lets nobody in.

    Local times are those of the customer's zone, else the journey's, else the installation's.
    """
    dated = [(version.journey, program) for version, program in live if program.dates]
    if not (dated and customers):
        return
    zone = installation_settings.load(session).timezone
    due_date_rows.drop(session, [one.id for one in customers], [journey for journey, _ in dated])
    rows = [row for customer in customers for row in _dates(customer, dated, zone, now)]
    due_date_rows.add(session, rows)
    for customer in customers:
        _tell_unreadable(session, customer, dated, now)


def _tell_unreadable(session: Session, customer: Customer, dated: Iterable[tuple[str, Program]], now: datetime) -> None:
    """Put on record, once for each value, that a date lets nobody in since it cannot be read."""
    attributes, rows, counted = known_facts.attributes(customer), list[bulk.ColumnValues](), list[UnreadableValue]()
    for journey, program in dated:
        for trigger, (attribute, value) in date_triggers.unreadable(program, attributes).items():
            name, seen = f"customer.{attribute}", shown(value)
            told = {"reason": "unreadable_date", "date": name, "trigger": trigger, "seen": seen}
            before = decisions.last_refusals(session, customer.id, journey, len(program.dates))
            if told not in [one.detail for one in before]:
                rows.append(decisions.row(customer.id, "not_entered", told, now, journey=journey))
                source = f"journey {journey}"
                counted.append(UnreadableValue(customer_id=customer.id, source=source, field=name, value=value))
    decisions.add(session, rows)
    unreadable_values.note(session, counted, now)


def _dates(
    customer: Customer, dated: Iterable[tuple[str, Program]], zone: str, now: datetime
) -> Iterator[bulk.ColumnValues]:
    """The dates of one customer that are still to come; `zone` is the installation's."""
    attributes = known_facts.attributes(customer)
    for journey, program in dated:
        own = calendar.zone_of(customer.timezone, program.timezone, zone)
        for trigger in program.dates:
            at = date_triggers.fires_at(trigger, attributes.get(trigger.date.attribute), own, now)
            if at is not None:
                yield due_date_rows.row(journey, trigger.name, customer.id, at)
