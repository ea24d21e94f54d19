"""One made-up customer, of what was typed: attributes as `plan=team`, events as `3 days: Order Completed`."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from journeys.facts import calendar
from journeys.program.program import EventTrigger, Program
from journeys.simulation.backtest import CustomerHistory
from journeys.simulation.simulator import IDENTIFY, RecordedEvent
from services.errors import InvalidInput

CALL = "Enrolled"
"""The event that stands for a call to the API, where a journey has no trigger."""


def with_an_entrance(program: Program) -> Program:
    """The program with a trigger: a journey without one is entered by a call to the API."""
    return program if program.triggers else replace(program, triggers=(EventTrigger(event=CALL, guard=None),))


def customer(program: Program, begin: datetime, attributes: dict[str, Any], events: Sequence[str]) -> CustomerHistory:
    """A customer whom the first trigger lets in at `begin`, or a date of theirs when it comes.

    `events` are written as `timed` reads them, each counted from `begin`. Raises InvalidInput for one that is not.
    """
    happened = [timed(text, begin) for text in events]
    first, names = program.triggers[0], [trigger.event for trigger in program.triggers]
    if any(date.date.attribute in attributes for date in program.dates):
        happened.insert(0, (begin, IDENTIFY, attributes))
    elif not any(at <= begin and name in names for at, name, _ in happened):
        happened.insert(0, (begin, first.event, {**attributes, **first.given}))
    happened.sort(key=lambda one: one[0])
    recorded = [
        RecordedEvent(seq=i, name=name, at=at, properties=p) for i, (at, name, p) in enumerate(happened, start=1)
    ]
    zone = attributes.get("timezone")
    return CustomerHistory(
        id="made-up", events=recorded, attributes=attributes, timezone=zone if isinstance(zone, str) else None
    )


def timed(text: str, begin: datetime) -> tuple[datetime, str, dict[str, Any]]:
    """Instant, name and properties of `3 days: Order Completed {"total": 20}`; raise InvalidInput else."""
    span, colon, rest = text.partition(":")
    try:
        name, brace, properties = rest.partition("{")
        if not colon or not name.strip():
            raise ValueError("an event is written as '3 days: Order Completed'")
        after = timedelta(0) if span.strip() in ("0", "now") else calendar.parse_span(span).elapsed
        return begin + after, name.strip(), json.loads(brace + properties) if brace else {}
    except ValueError as error:
        raise InvalidInput(f"--event {text!r}: {error}") from None


def attributes(pairs: Sequence[str]) -> dict[str, Any]:
    """Attributes of `plan=team`, each value JSON or else text; raise InvalidInput for one that has no `=`."""
    found: dict[str, Any] = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"--set {pair!r}: an attribute is written as plan=team")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
