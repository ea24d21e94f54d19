"""One made-up customer, of what was typed: attributes as `plan=team`, events as `3 days: Order Completed`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from journeys.facts import calendar, customer_facts
from journeys.program import date_triggers
from journeys.program.nodes import SplitNode
from journeys.program.program import EventTrigger, Program
from journeys.rules.policy import NO_TERMS, InstallationTerms
from journeys.simulation import backtest, consequences
from journeys.simulation.backtest import CustomerHistory, SimulatedEnrollment
from journeys.simulation.mail_policies import by_policy
from journeys.simulation.simulator import IDENTIFY, RecordedEvent
from services.errors import InvalidInput

TimedEvent = tuple[datetime, str, dict[str, Any]]
"""When something happens, its name, and its properties."""

CALL = "Enrolled"
"""The event that stands for a call to the API, where a journey has no trigger."""


def with_an_entrance(program: Program) -> Program:
    """The program with a trigger: a journey without one is entered by a call to the API."""
    return program if program.triggers else replace(program, triggers=(EventTrigger(event=CALL, guard=None),))


def customer(
    program: Program, begin: datetime, attributes: dict[str, Any], events: Sequence[TimedEvent]
) -> CustomerHistory:
    """A customer whom the first trigger lets in at `begin`, or a date of theirs when it comes.

    `events` happen in the order of their instants.
    """
    happened = list(events)
    first, names = program.triggers[0], [trigger.event for trigger in program.triggers]
    if any(date.date.attribute in attributes for date in program.dates):
        happened.insert(0, (begin, IDENTIFY, attributes))
    elif not any(at <= begin and name in names for at, name, _ in happened):
        happened.insert(0, (begin, first.event, {**attributes, **first.given}))
    happened.sort(key=lambda one: one[0])
    recorded = [
        RecordedEvent(seq=i, name=name, at=at, properties=p) for i, (at, name, p) in enumerate(happened, start=1)
    ]
    zone = customer_facts.timezone_in(attributes)
    return CustomerHistory(id="made-up", events=recorded, attributes=attributes, timezone=zone)


def later(begin: datetime, span: str, path: str) -> datetime:
    """The instant `3 days` behind the beginning; raise InvalidInput, with `path`, for what is no span."""
    try:
        return begin + (timedelta(0) if span.strip() in ("0", "now") else calendar.parse_span(span).elapsed)
    except ValueError as error:
        raise InvalidInput(str(error), path) from None


def timed(text: str, begin: datetime, option: str = "--event") -> TimedEvent:
    """Instant, name and properties of `3 days: Order Completed {"total": 20}`; raise InvalidInput else."""
    span, colon, rest = text.partition(":")
    try:
        name, brace, properties = rest.partition("{")
        if not colon or not name.strip():
            raise ValueError("an event is written as '3 days: Order Completed'")
        return later(begin, span, option), name.strip(), json.loads(brace + properties) if brace else {}
    except (ValueError, InvalidInput) as error:
        raise InvalidInput(f"{option} {text!r}: {error}") from None


def follow(
    program: Program,
    history: CustomerHistory,
    until: datetime,
    segments: Mapping[str, str],
    terms: InstallationTerms = NO_TERMS,
) -> Sequence[SimulatedEnrollment]:
    """Each enrollment of one customer; raise InvalidInput where no trigger lets them in.

    `segments` are guards by key, and `terms` the caps, quiet hours and topics of the installation.
    """
    whole = consequences.complete(program, history, until, segments)
    found = backtest.enrollments(program, whole, until, by_policy(assume_address=True, installation=terms))
    if not found:
        raise InvalidInput(f"the customer does not enter: {_why_not(program, history)}")
    return found


def _why_not(program: Program, history: CustomerHistory) -> str:
    unreadable = date_triggers.unreadable(program, history.attributes).values()
    told = "; ".join(f"the date in customer.{name} cannot be read ({value!r})" for name, value in unreadable)
    return told or "no trigger's guard holds; give other attributes or events"


def choosing(program: Program, chosen: Mapping[str, str]) -> Program:
    """The program in which each split named here leads to the variant that was chosen for it.

    Raise InvalidInput for a split or a variant that there is not.
    """
    splits = {node.key: node for node in program.nodes.values() if isinstance(node, SplitNode)}
    nodes = dict(program.nodes)
    for split, name in chosen.items():
        node = splits.get(split)
        if node is None:
            raise InvalidInput(f"the journey has no split {split!r}; it has {', '.join(splits) or 'none'}", "variants")
        if name not in {one.name for one in node.variants}:
            names = ", ".join(one.name for one in node.variants)
            raise InvalidInput(f"the split {split!r} has no variant {name!r}; it has {names}", f"variants.{split}")
        only = tuple(replace(one, weight=int(one.name == name)) for one in node.variants)
        nodes[node.id] = replace(node, variants=only, winner=None)
    return replace(program, nodes=nodes)


def pairs_of(given: Sequence[str], option: str) -> dict[str, str]:
    """`tip-test=short` as the split's id and the variant; raise InvalidInput where one has no `=`."""
    found = {name: value for name, _, value in (one.partition("=") for one in given)}
    if not all(name and value for name, value in found.items()):
        raise InvalidInput(f"{option} is written as tip-test=short")
    return found


def attributes(words: Sequence[str]) -> dict[str, Any]:
    """Attributes of `plan=team`, each value JSON or else text; raise InvalidInput for one that has no `=`."""
    return pairs(words, "--set", "plan=team", "an attribute")


def pairs(words: Sequence[str], option: str, example: str, what: str = "a property") -> dict[str, Any]:
    """Names and values of an option's words, each value JSON or else text; raise InvalidInput for one without `=`."""
    found: dict[str, Any] = {}
    for pair in words:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise InvalidInput(f"{option} {pair!r}: {what} is written as {example}")
        try:
            found[name] = json.loads(value)
        except ValueError:
            found[name] = value
    return found
