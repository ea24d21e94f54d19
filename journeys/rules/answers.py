"""The answers to `Ask`, given what is known: the same pure function for the workflow's activities and the simulator."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from journeys.facts import calendar, customer_facts, guards
from journeys.facts.calendar import LocalTime, Span
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts, EventFacts
from journeys.facts.guard_cost import Purse
from journeys.facts.guards import GuardResult
from journeys.machine.commands import Ask
from journeys.machine.inputs import Facts
from journeys.program.nodes import DateOf, GuardId, NodeId, WaitForNode, WaitNode
from journeys.program.program import Program

UNKNOWN: Mapping[str, str] = {
    "unreadable_date": "the attribute holds something that cannot be read as a date",
    "no_date": "the customer has no such attribute, or it is empty",
}
"""Why the date that somebody waits for, or is let in by, cannot be told, by code."""


def answer(
    program: Program, ask: Ask, known: CustomerFacts, event: EventFacts | None, enrollment: EnrollmentFacts
) -> tuple[Facts, Sequence[GuardResult]]:
    """The facts asked for, and what each guard said with the values it saw."""
    until, unknown = _until(program, ask, known)
    results = _asked(program, ask, known, event, enrollment) if ask.guards else ()
    answered = Facts(
        number=ask.number,
        holds=tuple(one.holds for one in results),
        last=tuple(known.aggregates.get(name, customer_facts.NOTHING).last_at for name in ask.last),
        until=until,
        unknown=unknown,
    )
    return answered, results


def _asked(
    program: Program, ask: Ask, known: CustomerFacts, event: EventFacts | None, enrollment: EnrollmentFacts
) -> Sequence[GuardResult]:
    context = customer_facts.context(known, event, enrollment.variable(ask.stage), ask.at, program.timezone)
    purse = Purse()
    return [guards.evaluate(program.guards[GuardId(name)], context, purse) for name in ask.guards]


def _until(program: Program, ask: Ask, known: CustomerFacts) -> tuple[datetime | None, str | None]:
    """When a wait ends, and why that cannot be told (a key of UNKNOWN)."""
    if ask.until is None:
        return None, None
    node, zone = (
        program.nodes[NodeId(ask.until)],
        calendar.zone_of(known.timezone, program.timezone, known.installation_zone),
    )
    how = node.how if isinstance(node, WaitNode) else node.up_to if isinstance(node, WaitForNode) else None
    match how:
        case LocalTime():
            return calendar.next_local(ask.at, how, zone), None
        case Span():
            return calendar.add(ask.at, how, zone), None
        case DateOf():
            value = known.attributes.get(how.attribute)
            date = calendar.read_date(value, zone)
            if date is None:
                return None, "no_date" if customer_facts.is_blank(value) else "unreadable_date"
            return max(ask.at, calendar.moved(date, how.offset, how.at, zone)), None
        case None:
            return None, None
