"""Text into a definition: JSON or YAML 1.2 read with positions, every problem with its path, line and column."""

import json
from collections.abc import Mapping
from dataclasses import replace
from io import StringIO
from math import isfinite
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from journeys.checks import shape
from journeys.checks.lint import NOWHERE, Surroundings, lint
from journeys.language.definition import Journey
from journeys.language.problems import InvalidJourney, Path, Problem

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
        raise InvalidJourney(shape.of_shape(error, data, around)) from None
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
        bounds = _Bounds()
        bounds.check(data, ())
        return data
    raise InvalidJourney([problem]) from None


def _yaml(text: str) -> tuple[Any, Positions]:
    """The nodes are composed and not constructed: that keeps their places, and takes two thirds of the time."""
    try:
        node: Any = YAML(typ="safe", pure=True).compose(StringIO(text))
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = str(error.problem or error.context or "this is not YAML")
        raise InvalidJourney([Problem(code="yaml", message=message, line=line, column=column)]) from None
    except (YAMLError, ValueError, TypeError) as error:
        raise InvalidJourney([Problem(code="yaml", message=str(error).splitlines()[0])]) from None
    except RecursionError:
        message = f"the document nests deeper than {DEEPEST} levels"
        raise InvalidJourney([Problem(code="too_deep", message=message)]) from None
    if node is None:
        return None, {}
    plain = _Plain()
    return plain.value(node, ()), plain.positions


class _Bounds:
    """No document may be larger or deeper than this, however it says so (aliases of YAML can multiply it)."""

    def __init__(self) -> None:
        self.nodes = 0

    def text(self, text: str, path: Path) -> str:
        """What no database keeps is refused here."""
        if "\0" in text:
            raise InvalidJourney([Problem(code="text", message="the text contains the character NUL", path=path)])
        try:
            text.encode()
        except UnicodeEncodeError:
            message = "the text contains half of a surrogate pair, which is no character"
            raise InvalidJourney([Problem(code="text", message=message, path=path)]) from None
        return text

    def count(self, path: Path) -> None:
        self.nodes += 1
        if self.nodes > MOST_NODES:
            message = f"the document has more than {MOST_NODES:,} values"
            raise InvalidJourney([Problem(code="too_large", message=message)])
        if len(path) > DEEPEST:
            message = f"the document nests deeper than {DEEPEST} levels"
            raise InvalidJourney([Problem(code="too_deep", message=message, path=path[:5])])

    def check(self, data: Any, path: Path) -> None:
        self.count(path)
        if isinstance(data, dict):
            for key, value in cast(dict[str, Any], data).items():
                self.text(key, path)
                self.check(value, (*path, key))
        elif isinstance(data, list):
            for index, value in enumerate(cast(list[Any], data)):
                self.check(value, (*path, index))
        elif isinstance(data, str):
            self.text(data, path)
        elif isinstance(data, float) and not isfinite(data):
            raise InvalidJourney([Problem(code="number", message="the number is not finite", path=path)])


class _Plain(_Bounds):
    """Turns nodes into plain data and remembers where each stood."""

    def __init__(self) -> None:
        super().__init__()
        self.positions: dict[Path, tuple[int, int]] = {(): (1, 1)}

    def value(self, node: Any, path: Path) -> Any:
        self.count(path)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._at(inner, inner, (*path, index)) for index, inner in enumerate(node.value)]
        plain = _scalar(node)
        return self.text(plain, path) if isinstance(plain, str) else plain

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, inner in node.value:
            name = key.value if isinstance(key, ScalarNode) else None
            if not isinstance(name, str):
                raise _at_mark("a key is a text", key)
            self.text(name, path)
            if name in found:
                raise _at_mark(f'found duplicate key "{name}"', key)
            found[name] = self._at(key, inner, (*path, name))
        return found

    def _at(self, place: Any, node: Any, path: Path) -> Any:
        self.positions[path] = (place.start_mark.line + 1, place.start_mark.column + 1)
        return self.value(node, path)


def _at_mark(message: str, node: Any) -> InvalidJourney:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    return InvalidJourney([Problem(code="yaml", message=message, line=line, column=column)])


def _scalar(node: Any) -> Any:
    """By YAML 1.2's core schema; a date stays the text that it is."""
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _whole(text)
        case "float":
            return _fraction(text)
        case _:
            return text


def _whole(text: str) -> int | str:
    try:
        return int(text.replace("_", ""), 0 if text.lstrip("+-")[:2] in ("0o", "0x") else 10)
    except ValueError:
        return text


def _fraction(text: str) -> float | str:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return number if isfinite(number) else text


def _placed(problem: Problem, positions: Positions) -> Problem:
    path = problem.path
    while path not in positions and path:
        path = path[:-1]
    if problem.line is not None or path not in positions:
        return problem
    line, column = positions[path]
    return replace(problem, line=line, column=column)
