"""What follows by itself from what a customer did: dates that are reached, segments that are joined and left.

In production the store makes these events as time goes by. Here they are put between the recorded ones, so that a
simulation meets what production would. Where the record has such events already, it is believed.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from journeys.facts import calendar, customer_facts, guards
from journeys.facts.guards import SEGMENT_EVENTS
from journeys.program import date_triggers
from journeys.program.nodes import is_heard
from journeys.program.program import DATE_REACHED, SEGMENT_JOINED, Program
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import IDENTIFY, PastFacts, RecordedEvent

LEFT = "Segment Left"
"""The event of a customer who is no longer in a segment."""

MOST = 10_000
"""Events of one customer, with what follows from them: two segments that chase each other end there."""


def complete(
    program: Program, history: CustomerHistory, until: datetime, segments: Mapping[str, str]
) -> CustomerHistory:
    """The history with all that follows up to `until`; `segments` are guards by key."""
    names = {one.name for one in history.events}
    dated = bool(program.dates) and DATE_REACHED not in names
    watched = segments if _asks_for_segments(program) and not names & set(SEGMENT_EVENTS) else {}
    if not history.events or not (dated or watched):
        return history
    following = _Following(program if dated else None, history, watched)
    return replace(history, events=following.run(until))


def _asks_for_segments(program: Program) -> bool:
    listens = any(trigger.event in SEGMENT_EVENTS for trigger in program.triggers)
    return listens or any(set(SEGMENT_EVENTS) & guards.reads(guard) for guard in program.guards.values())


class _Following:
    """One customer's events in order, with what follows from each put behind it."""

    def __init__(self, dated: Program | None, history: CustomerHistory, segments: Mapping[str, str]) -> None:
        self._dated, self._recorded, self._segments = dated, history, segments
        self._events: list[RecordedEvent] = []
        self._past = PastFacts(self._events, {**history.attributes, "id": history.id}, history.timezone, history.model,
                               history.source)  # fmt: skip
        self._due: dict[str, datetime] = {}

    def run(self, until: datetime) -> list[RecordedEvent]:
        self._reschedule(self._recorded.events[0].at)
        for event in self._recorded.events:
            self._reach(min(event.at, until))
            self._add(event.name, event.at, event.properties)
        self._reach(until)
        return self._events

    def _reach(self, at: datetime) -> None:
        """Every date that comes up to this instant."""
        while self._due and len(self._events) < MOST:
            trigger, due = min(self._due.items(), key=lambda one: one[1])
            if due > at:
                return
            del self._due[trigger]
            self._add(DATE_REACHED, due, {"trigger": trigger})
            self._reschedule(due)

    def _add(self, name: str, at: datetime, properties: Mapping[str, Any]) -> None:
        self._events.append(RecordedEvent(seq=len(self._events) + 1, name=name, at=at, properties=properties))
        known = self._past.known(len(self._events))
        if name == IDENTIFY:
            self._reschedule(at)
        for key, guard in self._segments.items():
            if is_heard(guards.reads(guard), name):
                belongs = guards.evaluate(guard, customer_facts.context(known, None, {}, at)).holds
                if belongs != (key in self._past.segments):
                    self._add(SEGMENT_JOINED if belongs else LEFT, at, {"segment": key})

    def _reschedule(self, now: datetime) -> None:
        if self._dated is None:
            return
        zone = calendar.zone_of(self._past.timezone, self._dated.timezone)
        for trigger in self._dated.dates:
            name = f"{self._dated.journey}/{trigger.name}"
            at = date_triggers.fires_at(trigger, self._past.attributes.get(trigger.date.attribute), zone, now)
            if at is None:
                self._due.pop(name, None)
            else:
                self._due[name] = at
