"""The answers to `Ask`, given what is known: the same pure function for the workflow's activities and the simulator."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journeys.facts import calendar, customer_facts, guards
from journeys.facts.calendar import LocalTime, Span
from journeys.facts.customer_facts import EnrollmentFacts, Happened, Known
from journeys.machine.commands import Ask
from journeys.machine.inputs import Facts
from journeys.program.program import DateOf, GuardId, NodeId, Program, Wait, WaitFor


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One guard as it was asked, with what it saw: the recorded "why"."""

    guard: str
    verdict: guards.Verdict

    def as_json(self) -> dict[str, Any]:
        verdict = self.verdict
        shown: dict[str, Any] = {"guard": self.guard, "holds": verdict.holds, "seen": dict(verdict.seen)}
        return shown | ({"error": verdict.error} if verdict.error else {})


def answer(
    program: Program, ask: Ask, known: Known, event: Happened | None, enrollment: EnrollmentFacts
) -> tuple[Facts, Sequence[Asked]]:
    """The facts asked for, and each guard's verdict with the values it saw."""
    context = customer_facts.context(known, event, enrollment.variable(ask.stage), ask.at)
    texts = [program.guards[GuardId(name)] for name in ask.guards]
    asked = [Asked(guard=text, verdict=guards.evaluate(text, context)) for text in texts]
    answered = Facts(
        number=ask.number,
        holds=tuple(one.verdict.holds for one in asked),
        last=tuple(known.aggregates.get(name, customer_facts.NOTHING).last_at for name in ask.last),
        until=_until(program, ask, known),
    )
    return answered, asked


def _until(program: Program, ask: Ask, known: Known) -> datetime | None:
    if ask.until is None:
        return None
    node, zone = program.nodes[NodeId(ask.until)], calendar.zone_of(known.timezone, program.timezone, known.house_zone)
    how = node.how if isinstance(node, Wait) else node.up_to if isinstance(node, WaitFor) else None
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
