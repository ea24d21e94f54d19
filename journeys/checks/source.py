"""Text into a definition: JSON or YAML 1.2 read with positions, every problem with its path, line and column.

A text is bounded in length, depth and values while it is read, and so in time: the largest takes some two seconds of a
core, which is why nobody reads one within a transaction.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import StringIO
from math import isfinite
from typing import Any, cast

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from journeys.checks import shape
from journeys.checks.lint import NOWHERE, ValidationContext, lint
from journeys.language.definition import Definition
from journeys.language.problems import DefinitionProblem, InvalidJourney, Path

LARGEST = 250_000
"""Characters: ten times the longest journey that we know of."""

DEEPEST = 40
"""Levels of nesting: a branch within a branch takes four."""

MOST_VALUES = 25_000
"""Values of a text, keys among them; they, and not its length, are what reading takes time for."""

LONGEST_NUMBER = 25
"""Characters of a whole number: the largest of 64 bits has twenty in decimal, twenty-four in octal."""

Positions = Mapping[Path, tuple[int, int]]
"""Line and column, from 1, by path."""


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
        data = json.loads(text, parse_int=lambda digits: _whole(digits, 10))
    except json.JSONDecodeError as error:
        raise InvalidJourney(
            [DefinitionProblem(code="json", message=error.msg, line=error.lineno, column=error.colno)]
        ) from None
    except RecursionError:
        raise InvalidJourney([_too_deep()]) from None
    _Bounds().check(data, ())
    return data


def _yaml(text: str) -> Document:
    """The nodes are composed and not constructed: that keeps their places, and takes two thirds of the time."""
    reader = YAML(typ="safe", pure=True)
    reader.Composer, reader.max_depth = _BoundedComposer, DEEPEST + 1
    try:
        node: Any = reader.compose(StringIO(text))
    except MaxDepthExceededError:
        raise InvalidJourney([_too_deep()]) from None
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (None, None)
        message = str(error.problem or error.context or "this is not YAML")
        raise InvalidJourney([DefinitionProblem(code="yaml", message=message, line=line, column=column)]) from None
    except InvalidJourney:
        raise
    except (YAMLError, ValueError, TypeError) as error:
        raise InvalidJourney([DefinitionProblem(code="yaml", message=str(error).splitlines()[0])]) from None
    if node is None:
        return Document(data=None, positions={})
    plain = _Plain()
    return Document(data=plain.value(node, ()), positions=plain.positions)


def _too_deep(path: Path = ()) -> DefinitionProblem:
    return DefinitionProblem(code="too_deep", message=f"the document nests deeper than {DEEPEST} levels", path=path)


def _too_many() -> InvalidJourney:
    return InvalidJourney(
        [DefinitionProblem(code="too_large", message=f"the document has more than {MOST_VALUES:,} values")]
    )


class _BoundedComposer(Composer):
    """Stops at the first value too many, instead of reading the rest."""

    composed = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.composed += 1
        if self.composed > 2 * MOST_VALUES:  # keys are nodes too
            raise _too_many()
        return super().compose_node(parent, index)


class _Bounds:
    """No document may be larger or deeper than this, however it says so (aliases of YAML can multiply it)."""

    def __init__(self) -> None:
        self.nodes = 0

    def text(self, text: str, path: Path) -> str:
        """What no database keeps is refused here."""
        if "\0" in text:
            raise InvalidJourney(
                [DefinitionProblem(code="text", message="the text contains the character NUL", path=path)]
            )
        try:
            text.encode()
        except UnicodeEncodeError:
            message = "the text contains half of a surrogate pair, which is no character"
            raise InvalidJourney([DefinitionProblem(code="text", message=message, path=path)]) from None
        return text

    def count(self, path: Path) -> None:
        self.nodes += 1
        if self.nodes > MOST_VALUES:
            raise _too_many()
        if len(path) > DEEPEST:
            raise InvalidJourney([_too_deep(path[:5])])

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
            raise _bad_number("the number is not finite", path)


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
        plain = _scalar(node, path)
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
    return InvalidJourney([DefinitionProblem(code="yaml", message=message, line=line, column=column)])


def _scalar(node: Any, path: Path) -> Any:
    """By YAML 1.2's core schema; a date stays the text that it is."""
    text = str(node.value)
    match node.tag.rpartition(":")[2]:
        case "null":
            return None
        case "bool":
            return text.lower() == "true"
        case "int":
            return _integer(text, node, path)
        case "float":
            return _fraction(text)
        case _:
            return text


def _integer(text: str, node: Any, path: Path) -> int | str:
    digits = text.replace("_", "")
    try:
        return _whole(digits, 0 if digits.lstrip("+-")[:2] in ("0o", "0x") else 10)
    except InvalidJourney as invalid:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise InvalidJourney([replace(one, path=path, line=line, column=column) for one in invalid.problems]) from None
    except ValueError:
        return text


def _whole(digits: str, base: int) -> int:
    """A whole number of at most 64 bits, which is what every reader of JSON keeps."""
    number = int(digits, base) if len(digits) <= LONGEST_NUMBER else 2**64
    if not -(2**63) <= number < 2**63:
        raise _bad_number("the number has more than 64 bits", ())
    return number


def _bad_number(message: str, path: Path) -> InvalidJourney:
    return InvalidJourney([DefinitionProblem(code="number", message=message, path=path)])


def _fraction(text: str) -> float | str:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return number if isfinite(number) else text


def _placed(problem: DefinitionProblem, positions: Positions) -> DefinitionProblem:
    path = problem.path
    while path not in positions and path:
        path = path[:-1]
    if problem.line is not None or path not in positions:
        return problem
    line, column = positions[path]
    return replace(problem, line=line, column=column)
