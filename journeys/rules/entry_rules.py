"""Who may enter: triggers and their guards, the re-entry rule, and the key by which enrollments run side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journeys.facts import customer_facts, guards
from journeys.facts.calendar import Span
from journeys.facts.customer_facts import CustomerFacts, EventFacts
from journeys.facts.guard_cost import Purse
from journeys.facts.guards import GuardResult
from journeys.language.words import KEY_PATH
from journeys.program.program import Program

LONGEST_KEY = 255
"""Characters of what a journey's `key` names, as of an id: it tells runs apart and is part of an index."""

REFUSALS: Mapping[str, str] = {
    "already_enrolled": "the customer is in this journey now",
    "been_before": "the customer was in this journey before, and its reentry is `never`",
    "too_soon": "the customer left this journey too recently",
    "guard_false": "the guard of the trigger was false",
    "unreadable_date": "the attribute that the date is read from holds nothing that can be read as a date",
    "no_key": "the event lacks the property that the journey's `key` names",
}
"""Why a customer does not enter, by code."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LastEnrollment:
    """A customer's last enrollment (of a key): live, or ended at an instant."""

    live: bool
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """Whether an event lets a customer in, and what each guard that was asked saw."""

    enters: bool
    asked: tuple[GuardResult, ...] = ()


def triggers(program: Program, name: str, properties: Mapping[str, Any]) -> bool:
    """Whether any trigger listens to this event."""
    return any(trigger.hears(name, properties) for trigger in program.triggers)


def triggered(
    program: Program, known: CustomerFacts, event: EventFacts, now: datetime, together: Purse | None = None
) -> Triggered:
    """Ask the triggers that listen to the event, until one holds; `together` is what it shares with others."""
    asked, purse = list[GuardResult](), Purse(within=together)
    for trigger in program.triggers:
        if not trigger.hears(event.name, event.properties):
            continue
        if trigger.guard is None:
            return Triggered(enters=True, asked=tuple(asked))
        text = program.guards[trigger.guard]
        asked.append(guards.evaluate(text, customer_facts.context(known, event, {}, now, program.timezone), purse))
        if asked[-1].holds:
            return Triggered(enters=True, asked=tuple(asked))
    return Triggered(enters=False, asked=tuple(asked))


def key_of(program: Program, event: EventFacts) -> str | None:
    """The key of the enrollment that the event starts: "" where the journey has none, None where the event lacks it."""
    if program.key is None:
        return ""
    match = KEY_PATH.fullmatch(program.key)
    value: Any = event.properties.get(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    return str(value)[:LONGEST_KEY]


def data_of(event: EventFacts) -> dict[str, Any]:
    """The data of an enrollment that the event starts, as if given with an API call: the event's properties."""
    return dict(event.properties)


def refusal(program: Program, last: LastEnrollment | None, now: datetime) -> str | None:
    """The key of REFUSALS that keeps a customer with this last enrollment out, or None."""
    rule = program.reentry
    if last is None or rule == "always":
        return None
    if last.live:
        return "already_enrolled"
    if rule == "never":
        return "been_before"
    if isinstance(rule, Span) and last.ended_at is not None:
        return "too_soon" if now - last.ended_at < rule.elapsed else None
    return None
