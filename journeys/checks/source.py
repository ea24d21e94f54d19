"""Text into a definition: JSON or YAML 1.2 read with positions, every problem with its path, line and column.

A text is bounded in length, depth and values while it is read, and so in time: the largest takes some two seconds of a
core, which is why nobody reads one within a transaction.
"""

import json
from dataclasses import dataclass, replace
from typing import Any, cast

from pydantic import ValidationError

from journeys.checks import shape
from journeys.checks.lint import NOWHERE, ValidationContext, lint
from journeys.checks.text_bounds import LARGEST, Bounds, Positions, too_deep, whole
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem, InvalidJourney


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A text that was read: plain data, and where each path of it stands (line and column, from 1)."""

    data: Any
    positions: Positions

    @property
    def key(self) -> str | None:
        """The journey's key, if the document gets as far as that."""
        key = cast(dict[str, Any], self.data).get("journey") if isinstance(self.data, dict) else None
        return key if isinstance(key, str) else None


def read(text: str, around: ValidationContext = NOWHERE) -> tuple[Definition, tuple[DefinitionProblem, ...]]:
    """The definition in `text` with its warnings; raise InvalidJourney with every problem."""
    return judge(parse(text), around)


def judge(document: Document, around: ValidationContext = NOWHERE) -> tuple[Definition, tuple[DefinitionProblem, ...]]:
    """The same for a document that was read, each problem with its place."""
    try:
        journey, warnings = check(document.data, around)
    except InvalidJourney as invalid:
        raise InvalidJourney([_placed(problem, document.positions) for problem in invalid.problems]) from None
    return journey, tuple(_placed(problem, document.positions) for problem in warnings)


def check(data: Any, around: ValidationContext = NOWHERE) -> tuple[Definition, tuple[DefinitionProblem, ...]]:
    """The same for data that is parsed already."""
    try:
        journey = Definition.model_validate(data)
    except ValidationError as error:
        raise InvalidJourney(shape.shape_problems(error, data, around)) from None
    problems = lint(journey, around)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidJourney(problems)
    return journey, tuple(problems)


def parse(text: str) -> Document:
    """Read a text; raise InvalidJourney where it is neither JSON nor YAML, or passes a bound."""
    if len(text) > LARGEST:
        message = f"the definition has {len(text):,} characters"
        raise InvalidJourney([DefinitionProblem(code="too_large", message=message, expected=f"at most {LARGEST:,}")])
    if text.lstrip().startswith("{"):
        return Document(data=_json(text), positions={})
    return _yaml(text)


def parse_yaml(text: str) -> Document:
    """The same for a text that is read as YAML in any case, as which JSON is read too: with the place of everything."""
    if len(text) > LARGEST:
        raise InvalidJourney([DefinitionProblem(code="too_large", message=f"the text has {len(text):,} characters")])
    return _yaml(text)


def _json(text: str) -> Any:
    try:
        data = json.loads(text, parse_int=lambda digits: whole(digits, 10))
    except json.JSONDecodeError as error:
        raise InvalidJourney(
            [DefinitionProblem(code="json", message=error.msg, line=error.lineno, column=error.colno)]
        ) from None
    except RecursionError:
        raise InvalidJourney([too_deep()]) from None
    Bounds().check(data, ())
    return data


def _yaml(text: str) -> Document:
    from journeys.checks import yaml_text  # 2 MB, for a process that may never need it

    data, positions = yaml_text.read(text)
    return Document(data=data, positions=positions)


def _placed(problem: DefinitionProblem, positions: Positions) -> DefinitionProblem:
    path = problem.path
    while path not in positions and path:
        path = path[:-1]
    if problem.line is not None or path not in positions:
        return problem
    line, column = positions[path]
    return replace(problem, line=line, column=column)
