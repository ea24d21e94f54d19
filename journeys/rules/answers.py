"""The answers to `Ask`, given what is known: the same pure function for the workflow's activities and the simulator."""

from collections.abc import Sequence
from datetime import datetime

from journeys.facts import calendar, customer_facts, guards
from journeys.facts.calendar import LocalTime, Span
from journeys.facts.customer_facts import CustomerFacts, EnrollmentFacts, EventFacts
from journeys.facts.guards import GuardResult
from journeys.machine.commands import Ask
from journeys.machine.inputs import Facts
from journeys.program.nodes import DateOf, GuardId, NodeId, WaitForNode, WaitNode
from journeys.program.program import Program


def answer(
    program: Program, ask: Ask, known: CustomerFacts, event: EventFacts | None, enrollment: EnrollmentFacts
) -> tuple[Facts, Sequence[GuardResult]]:
    """The facts asked for, and what each guard said with the values it saw."""
    context = customer_facts.context(known, event, enrollment.variable(ask.stage), ask.at)
    results = [guards.evaluate(program.guards[GuardId(name)], context) for name in ask.guards]
    answered = Facts(
        number=ask.number,
        holds=tuple(one.holds for one in results),
        last=tuple(known.aggregates.get(name, customer_facts.NOTHING).last_at for name in ask.last),
        until=_until(program, ask, known),
    )
    return answered, results


def _until(program: Program, ask: Ask, known: CustomerFacts) -> datetime | None:
    if ask.until is None:
        return None
    node, zone = (
        program.nodes[NodeId(ask.until)],
        calendar.zone_of(known.timezone, program.timezone, known.installation_zone),
    )
    how = node.how if isinstance(node, WaitNode) else node.up_to if isinstance(node, WaitForNode) else None
    match how:
        case LocalTime():
            return calendar.next_local(ask.at, how, zone)
        case Span():
            return calendar.add(ask.at, how, zone)
        case DateOf():
            date = calendar.read_date(known.attributes.get(how.attribute), zone)
            return max(ask.at, calendar.moved(date, how.offset, how.at, zone)) if date is not None else ask.at
        case None:
            return None
