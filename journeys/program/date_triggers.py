"""When a date of a customer's comes: once, or each year again."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from journeys.facts import calendar, customer_facts
from journeys.program.program import DateTrigger, Program


def fires_at(trigger: DateTrigger, value: object, zone: ZoneInfo, now: datetime) -> datetime | None:
    """When the trigger next fires for an attribute of this value; None where its date has passed or is none."""
    date = calendar.read_date(value, zone)
    if date is None:
        return None
    for moved in _each_year(date, now, zone) if trigger.yearly else (date,):
        at = calendar.moved(moved, trigger.date.offset, trigger.date.at, zone)
        if at > now:
            return at
    return None


def unreadable(program: Program, attributes: Mapping[str, Any]) -> Mapping[str, tuple[str, Any]]:
    """The triggers of whose attribute nobody can read a date, by name: the attribute, and what it holds."""
    named = ((one.name, one.date.attribute) for one in program.dates)
    held = {name: (attribute, attributes.get(attribute)) for name, attribute in named}
    return {
        name: (attribute, value)
        for name, (attribute, value) in held.items()
        if not customer_facts.is_blank(value) and calendar.read_date(value, calendar.zone_of()) is None
    }


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
