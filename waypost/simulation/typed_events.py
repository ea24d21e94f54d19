"""Typed events of one made-up customer: with properties of their own, and those that nothing listens to."""

import json
from collections.abc import Iterator, Mapping, Sequence

from journeys.checks.lint import events_named, guards_of
from journeys.facts import guards
from journeys.facts.guards import PROFILE_EVENTS
from journeys.language import expressions
from journeys.language.definition import Definition
from journeys.language.problems import nearest
from journeys.language.step_tree import all_steps
from journeys.language.verbs import SetStep
from journeys.program.nodes import is_heard
from services.errors import InvalidInput
from services.simulation.made_up import CALL, pairs

EVENT, WITH = "--event", "--with"
"""An event, and a property of the event that stands before it."""


def joined(words: Sequence[str]) -> list[str]:
    """A command line in which each `--with total=120` has become part of the `--event` before it.

    Raise InvalidInput where none stands before it, or it is no property.
    """
    found, last, left = list[str](), None, iter(words)
    for word in left:
        name, equals, value = word.partition("=")
        given = value if equals else next(left, None) if name in (EVENT, WITH) else None
        if name not in (EVENT, WITH) or given is None:
            found.append(word)
        elif name == EVENT:
            found += [EVENT, given]
            last = len(found) - 1
        elif last is None:
            raise InvalidInput(f"{WITH} {given}: it stands behind the {EVENT} whose property it is")
        else:
            found[last] = _with(found[last], given)
    return found


def _with(event: str, pair: str) -> str:
    head, brace, properties = event.partition("{")
    try:
        known = json.loads(brace + properties) if brace else {}
    except ValueError:
        raise InvalidInput(f"{EVENT} {event!r}: what stands in braces is no JSON") from None
    return f"{head.strip()} {json.dumps({**known, **pairs([pair], WITH, 'total=120')})}"


def unheard(journey: Definition, names: Sequence[str], segments: Mapping[str, str]) -> Iterator[str]:
    """A sentence about each event that nothing listens to: neither the journey, nor a segment's guard, by its key."""
    heard = set(_heard(journey, segments))
    for name in dict.fromkeys(names):
        if not is_heard(frozenset(heard), name) and name != CALL:
            known = sorted(heard - {*PROFILE_EVENTS})
            yield f"nothing listens to {name!r} here; expected {nearest(name, known)}"


def _heard(journey: Definition, segments: Mapping[str, str]) -> Iterator[str]:
    yield from PROFILE_EVENTS
    yield from (name for _, name in events_named(journey))
    texts = [*(guard for _, guard in guards_of(journey)), *segments.values()]
    for _, step in all_steps(journey):
        texts += expressions.parted(step.set)[1].values() if isinstance(step, SetStep) else ()
    for text in texts:
        yield from guards.reads(text)
