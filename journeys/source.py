"""Text into a definition: JSON or YAML 1.2 read with positions, every problem with its path, line and column."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from io import StringIO
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from journeys import findings
from journeys.definition import Journey
from journeys.lint import NOWHERE, Surroundings, lint
from journeys.problems import InvalidJourney, Path, Problem

LARGEST = 1_000_000
DEEPEST = 40
MOST_NODES = 100_000

Positions = Mapping[Path, tuple[int, int]]


def read(text: str, around: Surroundings = NOWHERE) -> tuple[Journey, tuple[Problem, ...]]:
    """The definition in `text` with its warnings; raise InvalidJourney with every problem."""
    data, positions = parse(text)
    try:
        journey, warnings = check(data, around)
    except InvalidJourney as invalid:
        raise InvalidJourney([_placed(problem, positions) for problem in invalid.problems]) from None
    return journey, tuple(_placed(problem, positions) for problem in warnings)


def check(data: Any, around: Surroundings = NOWHERE) -> tuple[Journey, tuple[Problem, ...]]:
    """The same for data that is parsed already."""
    try:
        journey = Journey.model_validate(data)
    except ValidationError as error:
        raise InvalidJourney(findings.of_shape(error, data, around)) from None
    problems = lint(journey, around)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidJourney(problems)
    return journey, tuple(problems)


def key_of(text: str) -> str | None:
    """The journey's key, if the text gets as far as that."""
    try:
        data, _ = parse(text)
    except InvalidJourney:
        return None
    key = cast(dict[str, Any], data).get("journey") if isinstance(data, dict) else None
    return key if isinstance(key, str) else None


def parse(text: str) -> tuple[Any, Positions]:
    """Plain data, and where each path of it stands (line and column, from 1)."""
    if len(text) > LARGEST:
        message = f"the definition has {len(text):,} characters"
        raise InvalidJourney([Problem(code="too_large", message=message, expected=f"at most {LARGEST:,}")])
    if text.lstrip().startswith("{"):
        return _json(text), {}
    return _yaml(text)


def _json(text: str) -> Any:
    try:
        data = json.loads(text)
    except json.JSONDecodeError as error:
        problem = Problem(code="json", message=error.msg, line=error.lineno, column=error.colno)
    except RecursionError:
        problem = Problem(code="too_deep", message=f"the document nests deeper than {DEEPEST} levels")
    else:
        return _Plain().copy(data)
    raise InvalidJourney([problem]) from None


def _yaml(text: str) -> tuple[Any, Positions]:
    reader = YAML(typ="rt", pure=True)
    try:
        document = reader.load(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = str(error.problem or error.context or "this is not YAML").partition(" with value ")[0]
        raise InvalidJourney([Problem(code="yaml", message=message, line=line, column=column)]) from None
    except (YAMLError, ValueError, TypeError) as error:
        raise InvalidJourney([Problem(code="yaml", message=str(error).splitlines()[0])]) from None
    except RecursionError:
        message = f"the document nests deeper than {DEEPEST} levels"
        raise InvalidJourney([Problem(code="too_deep", message=message)]) from None
    plain = _Plain()
    return plain.copy(document), plain.positions


class _Plain:
    """Copies a parsed document into plain data within bounds (aliases of YAML can multiply it)."""

    def __init__(self) -> None:
        self.positions: dict[Path, tuple[int, int]] = {(): (1, 1)}
        self.nodes = 0

    def copy(self, node: Any, path: Path = ()) -> Any:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            message = f"the document has more than {MOST_NODES:,} values"
            raise InvalidJourney([Problem(code="too_large", message=message)])
        if len(path) > DEEPEST:
            message = f"the document nests deeper than {DEEPEST} levels"
            raise InvalidJourney([Problem(code="too_deep", message=message, path=path[:5])])
        if isinstance(node, dict):
            return {str(key): self._child(node, key, str(key), path) for key in cast(dict[Any, Any], node)}
        if isinstance(node, list):
            return [self._child(node, index, index, path) for index in range(len(cast(list[Any], node)))]
        return _scalar(node)

    def _child(self, parent: Any, key: Any, name: str | int, path: Path) -> Any:
        here = (*path, name)
        if isinstance(parent, CommentedMap | CommentedSeq):
            try:
                line, column = parent.lc.key(key) if isinstance(parent, CommentedMap) else parent.lc.item(key)
                self.positions[here] = (line + 1, column + 1)
            except (KeyError, AttributeError, TypeError):
                pass
        return self.copy(parent[key], here)


def _scalar(node: Any) -> Any:
    if isinstance(node, bool) or node is None:
        return node
    if isinstance(node, str):
        return str(node)
    if isinstance(node, int):
        return int(node)
    if isinstance(node, float):
        return float(node)
    if isinstance(node, date):
        return node.isoformat()
    return str(node)


def _placed(problem: Problem, positions: Positions) -> Problem:
    path = problem.path
    while path not in positions and path:
        path = path[:-1]
    if problem.line is not None or path not in positions:
        return problem
    line, column = positions[path]
    return replace(problem, line=line, column=column)
