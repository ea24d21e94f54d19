"""Names that may be misspelt, and mean something all the same: topics without terms, attributes that nobody has.

They are warnings: the first customer who has an attribute may still come.
"""

from collections.abc import Iterable, Iterator

from journeys.facts import guards
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem, Path, nearest
from journeys.language.step_tree import all_steps
from journeys.language.verbs import SendStep, SetStep
from journeys.program.send_terms import GENERAL

OWN = frozenset({"id", "email", "timezone", "created_at"})
"""Attributes that the product knows, whoever has them."""


def topics(journey: Definition, known: frozenset[str] | None) -> Iterator[DefinitionProblem]:
    """Topics that nobody gave terms, where somebody gave others some."""
    if known is None:
        return
    named: list[tuple[Path, str | None]] = [(("defaults", "topic"), journey.defaults.topic)]
    named += [
        ((*path, "send", "topic"), step.send.topic) for path, step in all_steps(journey) if isinstance(step, SendStep)
    ]
    for path, name in named:
        if name is not None and name not in known | {GENERAL}:
            message = f"the topic {name!r} has no terms, so whoever says nothing gets it"
            yield _unknown("topic", message, path, name, known)


def attributes(
    journey: Definition, guarded: Iterable[tuple[Path, str]], known: frozenset[str] | None
) -> Iterator[DefinitionProblem]:
    """Attributes that guards read and that no customer has, nor a step sets; each once."""
    found = there(journey, known)
    if found is None:
        return
    told: set[str] = set()
    for path, guard in guarded:
        for name in sorted(guards.attributes_read(guard) - found - told):
            told.add(name)
            message = f"no customer has the attribute {name!r}, so the guard sees null"
            yield _unknown("attribute", message, path, name, found)


def there(journey: Definition, known: frozenset[str] | None) -> frozenset[str] | None:
    """Attributes that a customer of this journey may have: `known` ones, our own, and those that its steps set."""
    if known is None:
        return None
    return known | OWN | {name for _, step in all_steps(journey) if isinstance(step, SetStep) for name in step.set}


def _unknown(what: str, message: str, path: Path, name: str, known: frozenset[str]) -> DefinitionProblem:
    return DefinitionProblem(
        code=f"unknown_{what}",
        severity="warning",
        message=message,
        path=path,
        found=repr(name),
        expected=nearest(name, sorted(known)),
    )
