"""Who may enter: triggers and their guards, the re-entry rule, and the key that lets runs stand side by side."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from journeys.facts import customer_facts, guards
from journeys.facts.calendar import Span
from journeys.facts.customer_facts import Happened, Known
from journeys.language.words import KEY_PATH
from journeys.program.program import Program
from journeys.rules.answers import Asked

LONGEST_KEY = 255

REFUSALS: Mapping[str, str] = {
    "already_enrolled": "the customer is in this journey now",
    "been_before": "the customer was in this journey before, and its reentry is `never`",
    "too_soon": "the customer left this journey too recently",
    "guard_false": "the guard of the trigger was false",
    "no_key": "the event lacks the property that the journey's `key` names",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """A customer's last run (of a key): live, or ended at an instant."""

    live: bool
    ended_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Triggered:
    """Whether an event lets a customer in, and what each guard that was asked saw."""

    enters: bool
    asked: tuple[Asked, ...] = ()


def triggers(program: Program, name: str, properties: Mapping[str, Any]) -> bool:
    """Whether any trigger listens to this event."""
    return any(trigger.hears(name, properties) for trigger in program.triggers)


def triggered(program: Program, known: Known, event: Happened, now: datetime) -> Triggered:
    """Ask the triggers that listen to the event, until one holds."""
    asked: list[Asked] = []
    for trigger in program.triggers:
        if not trigger.hears(event.name, event.properties):
            continue
        if trigger.guard is None:
            return Triggered(enters=True, asked=tuple(asked))
        text = program.guards[trigger.guard]
        asked.append(Asked(guard=text, verdict=guards.evaluate(text, customer_facts.context(known, event, {}, now))))
        if asked[-1].verdict.holds:
            return Triggered(enters=True, asked=tuple(asked))
    return Triggered(enters=False, asked=tuple(asked))


def key_of(program: Program, event: Happened) -> str | None:
    """The key of the run that the event starts: empty where the journey has none, None where the event lacks it."""
    if program.key is None:
        return ""
    match = KEY_PATH.fullmatch(program.key)
    value: Any = event.properties.get(match[1]) if match else None
    if isinstance(value, bool) or not isinstance(value, str | int | float) or value == "":
        return None
    return str(value)[:LONGEST_KEY]


def data_of(event: Happened) -> dict[str, Any]:
    """What a run that an event starts finds in `enrollment`, as if it were given with an API call: its properties."""
    return dict(event.properties)


def refusal(program: Program, last: Run | None, now: datetime) -> str | None:
    """The key of REFUSALS that keeps a customer with this last run out, or None."""
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
