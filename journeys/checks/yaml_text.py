"""YAML 1.2 into plain data, with the line and column of each value.

Its library takes two megabytes, so it is imported where a text is read: most processes never read one.
"""

from dataclasses import replace
from io import StringIO
from math import isfinite
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, MaxDepthExceededError
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from journeys.checks.text_bounds import DEEPEST, MOST_VALUES, Bounds, Positions, too_deep, too_many, whole
from journeys.language.problems import DefinitionProblem, InvalidJourney, Path


def read(text: str) -> tuple[Any, Positions]:
    """Plain data and where each of it stands; raise InvalidJourney where it is no YAML, or passes a bound.

    The nodes are composed and not constructed: that keeps their places, and takes two thirds of the time.
    """
    reader = YAML(typ="safe", pure=True)
    reader.Composer, reader.max_depth = _BoundedComposer, DEEPEST + 1
    try:
        node: Any = reader.compose(StringIO(text))
    except MaxDepthExceededError:
        raise InvalidJourney([too_deep()]) from None
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
        return None, {}
    plain = _Plain()
    return plain.value(node, ()), plain.positions


class _BoundedComposer(Composer):
    """Stops at the first value too many, instead of reading the rest."""

    composed = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.composed += 1
        if self.composed > 2 * MOST_VALUES:  # keys are nodes too
            raise too_many()
        return super().compose_node(parent, index)


class _Plain(Bounds):
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
        return whole(digits, 0 if digits.lstrip("+-")[:2] in ("0o", "0x") else 10)
    except InvalidJourney as invalid:
        line, column = node.start_mark.line + 1, node.start_mark.column + 1
        raise InvalidJourney([replace(one, path=path, line=line, column=column) for one in invalid.problems]) from None
    except ValueError:
        return text


def _fraction(text: str) -> float | str:
    try:
        number = float(text.replace("_", ""))
    except ValueError:
        return text
    return number if isfinite(number) else text
