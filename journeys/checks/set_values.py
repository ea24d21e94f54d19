"""What steps give as it stands: the values of a `set`, with expressions that compute some, and the data of an `enroll`.

Told here and not where a step is read: what was published before must stay readable.
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

from journeys.facts import guards
from journeys.language.problems import DefinitionProblem, Path
from journeys.language.verbs import EnrollStep, SetStep

BRACES = ("{{", "{%")
"""What begins something that only templates fill in."""

EXAMPLE = "{cel: 'customer.score + 10'}"
"""How an attribute is computed."""


OURS = ("id", "events", "segments")
"""What stands beside the attributes of a customer where guards read it, and hides an attribute of the name."""


def problems(step: SetStep, path: Path) -> Iterator[DefinitionProblem]:
    """What is wrong with a `set` step, which stands at `path`."""
    for name, value in step.set.items():
        here = (*path, "set", name)
        if name in OURS:
            message = f"`set` gives attributes, and customer.{name} is none: nothing would ever read it"
            yield DefinitionProblem(code="no_attribute", message=message, path=here, expected="another name")
        if isinstance(value, Mapping) and "cel" in value:
            yield from _expression(value, here)
        elif (text := _unfilled(value)) is not None:
            message = "`set` is no template: the customer would get this text with its braces"
            yield _as_it_stands(message, here, text, f"a value; or, to compute one, {EXAMPLE}")


def of_enroll(step: EnrollStep, path: Path) -> Iterator[DefinitionProblem]:
    """What is wrong with the data of an `enroll` step, which stands at `path`."""
    for name, value in step.enroll.data.items():
        if (text := _unfilled(value)) is not None:
            message = "the data of `enroll` are no template: the enrollment would get this text with its braces"
            yield _as_it_stands(
                message, (*path, "enroll", "data", name), text, "a value; the other journey reads customer itself"
            )


def _as_it_stands(message: str, path: Path, text: str, expected: str) -> DefinitionProblem:
    return DefinitionProblem(code="unfilled_text", message=message, path=path, found=repr(text[:60]), expected=expected)


def _expression(value: Mapping[str, Any], path: Path) -> Iterator[DefinitionProblem]:
    text = value["cel"]
    if len(value) > 1 or not isinstance(text, str):
        message = "an attribute is computed by `cel` alone, a text"
        yield DefinitionProblem(code="expression", message=message, path=path, found=repr(value)[:60], expected=EXAMPLE)
        return
    try:
        guards.check(text)
    except ValueError as error:
        message = str(error).replace("the guard", "the expression")
        yield DefinitionProblem(code="expression", message=message, path=(*path, "cel"), found=repr(text[:60]))
        return
    if (refusal := guards.refusal(text)) is not None:
        message = refusal[1].replace("the guard", "the expression")
        yield DefinitionProblem(code=refusal[0], message=message, path=(*path, "cel"))
    if guards.reads_event(text):
        yield DefinitionProblem(
            code="no_event_here",
            message="this expression reads `event`, and a step has none",
            path=(*path, "cel"),
            expected="customer.events[…] for what happened before, or enrollment for what began the run",
        )


def _unfilled(value: Any) -> str | None:
    """The first text in a value, at any depth, that wants to be filled in."""
    if isinstance(value, str):
        return value if any(one in value for one in BRACES) else None
    inner = list(cast(Mapping[str, Any], value).values()) if isinstance(value, Mapping) else value
    if not isinstance(inner, list):
        return None
    return next((found for one in cast(list[Any], inner) if (found := _unfilled(one)) is not None), None)
