"""What follows by itself from what a customer did: dates that are reached, segments that are joined and left.

In production the store makes these events as time goes by. Here they are put between the recorded ones, so that a
simulation meets what production would. Where the record has such events already, it is believed.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from journeys.facts import calendar, customer_facts, guards
from journeys.facts.guards import SEGMENT_EVENTS
from journeys.program import date_triggers
from journeys.program.program import DATE_REACHED, SEGMENT_JOINED, Program, heard
from journeys.simulation.backtest import Person
from journeys.simulation.simulator import IDENTIFY, History, Recorded

LEFT = "Segment Left"
MOST = 10_000


def complete(program: Program, person: Person, until: datetime, segments: Mapping[str, str]) -> Person:
    """The person with all that follows up to `until`; `segments` are guards by key."""
    names = {one.name for one in person.events}
    dated = bool(program.dates) and DATE_REACHED not in names
    watched = segments if _asks_for_segments(program) and not names & set(SEGMENT_EVENTS) else {}
    if not person.events or not (dated or watched):
        return person
    following = _Following(program if dated else None, person, watched)
    return Person(id=person.id, events=following.run(until), attributes=person.attributes, timezone=person.timezone)


def _asks_for_segments(program: Program) -> bool:
    listens = any(trigger.event in SEGMENT_EVENTS for trigger in program.triggers)
    return listens or any(set(SEGMENT_EVENTS) & guards.reads(guard) for guard in program.guards.values())


class _Following:
    """One customer's events in order, with what follows from each put behind it."""

    def __init__(self, dated: Program | None, person: Person, segments: Mapping[str, str]) -> None:
        self._dated, self._person, self._segments = dated, person, segments
        self._events: list[Recorded] = []
        self._history = History(self._events, {**person.attributes, "id": person.id}, person.timezone)
        self._due: dict[str, datetime] = {}

    def run(self, until: datetime) -> list[Recorded]:
        self._reschedule(self._person.events[0].at)
        for event in self._person.events:
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
        self._events.append(Recorded(seq=len(self._events) + 1, name=name, at=at, properties=properties))
        known = self._history.known(at, len(self._events))
        if name == IDENTIFY:
            self._reschedule(at)
        for key, guard in self._segments.items():
            if heard(guards.reads(guard), name):
                belongs = guards.evaluate(guard, customer_facts.context(known, None, {}, at)).holds
                if belongs != (key in self._history.segments):
                    self._add(SEGMENT_JOINED if belongs else LEFT, at, {"segment": key})

    def _reschedule(self, now: datetime) -> None:
        if self._dated is None:
            return
        zone = calendar.zone_of(self._history.timezone, self._dated.timezone)
        for trigger in self._dated.dates:
            name = f"{self._dated.journey}/{trigger.name}"
            at = date_triggers.comes(trigger, self._history.attributes.get(trigger.date.attribute), zone, now)
            if at is None:
                self._due.pop(name, None)
            else:
                self._due[name] = at
