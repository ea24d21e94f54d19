"""Text into a definition: JSON or YAML 1.2 read with positions, every problem with its path, line and column."""

import json
from collections.abc import Mapping, Sequence
from datetime import date
from difflib import get_close_matches
from io import StringIO
from typing import Any, cast

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError

from journeys.definition import TAG, VERBS, Journey
from journeys.lint import lint
from journeys.problems import InvalidJourney, Path, Problem

LARGEST = 1_000_000
DEEPEST = 40
MOST_NODES = 100_000

Positions = Mapping[Path, tuple[int, int]]


def read(text: str, templates: frozenset[str] | None = None) -> tuple[Journey, tuple[Problem, ...]]:
    """The definition in `text` with its warnings; raise InvalidJourney with every problem.

    `templates` are the known template keys; None leaves them unchecked.
    """
    data, positions = parse(text)
    try:
        return check(data, templates)
    except InvalidJourney as invalid:
        raise InvalidJourney([_placed(problem, positions) for problem in invalid.problems]) from None


def check(data: Any, templates: frozenset[str] | None = None) -> tuple[Journey, tuple[Problem, ...]]:
    """The same for data that is parsed already."""
    try:
        journey = Journey.model_validate(data)
    except ValidationError as error:
        raise InvalidJourney([_problem(one, data) for one in error.errors()]) from None
    problems = lint(journey, templates)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidJourney(problems)
    return journey, tuple(problems)


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
        message = str(error.problem or error.context or "this is not YAML")
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
    return Problem(
        code=problem.code,
        message=problem.message,
        path=problem.path,
        severity=problem.severity,
        found=problem.found,
        expected=problem.expected,
        line=line,
        column=column,
    )


_MESSAGES = {
    "missing": "this field is required",
    "extra_forbidden": "there is no such field here",
    "string_type": "a text is wanted here",
    "list_type": "a list is wanted here",
    "dict_type": "a mapping is wanted here",
    "model_type": "a mapping is wanted here",
    "bool_type": "true or false is wanted here",
    "bool_parsing": "true or false is wanted here",
    "int_type": "a whole number is wanted here",
    "int_parsing": "a whole number is wanted here",
}


def _problem(error: ErrorDetails, data: Any) -> Problem:
    """One of pydantic's findings in our words."""
    path, place = _path(error["loc"], data)
    kind, found = error["type"], error["input"]
    expected: str | None = None
    if kind == "step_verb":
        expected = _verb_expected(found)
    elif kind == "extra_forbidden":
        expected = _field_expected(str(path[-1]), place)
    elif kind == "string_pattern_mismatch":
        expected = "a letter, then letters, digits, - or _"
    elif "ctx" in error and "expected" in error["ctx"]:
        expected = str(error["ctx"]["expected"])
    message = _MESSAGES.get(kind, error["msg"].removeprefix("Value error, "))
    return Problem(code=kind, message=message, path=path, found=_shown(kind, path, found), expected=expected)


def _path(loc: Sequence[str | int], data: Any) -> tuple[Path, Any]:
    """Pydantic's location without the tags of steps, and the mapping in which it ends."""
    path: list[str | int] = []
    here: Any = data
    parent: Any = data
    for part in loc:
        if part == "[key]" or (isinstance(part, str) and part.startswith(TAG)):
            continue
        parent = here
        path.append(part)
        here = _inside(here, part)
    return tuple(path), parent


def _inside(here: Any, part: str | int) -> Any:
    if isinstance(here, Mapping) or (isinstance(here, list) and isinstance(part, int)):
        try:
            return cast(Any, here)[part]
        except (KeyError, IndexError):
            return None
    return None


def _verb_expected(found: Any) -> str:
    if isinstance(found, Mapping):
        names = [str(name) for name in cast(Mapping[Any, Any], found) if name != "id"]
        verbs = [name for name in names if name in VERBS]
        if len(verbs) > 1:
            return f"one verb, not {' and '.join(verbs)}; make them two steps"
        for name in names:
            if close := get_close_matches(name, VERBS, n=1, cutoff=0.6):
                return f"{close[0]!r}, the nearest verb"
    return "one of " + ", ".join(VERBS)


def _field_expected(name: str, place: Any) -> str | None:
    known = {
        "journey", "name", "enter", "reentry", "exit", "goal", "defaults", "start", "stages", "steps", "transitions",
        "final", "on", "when", "after", "inactive", "of", "to", "template", "subject", "topic", "transactional",
        "expires", "late", "until", "event", "up_to", "then", "else", "if", "id", "variants", "weight", "holdout",
        "send_window", "days", "from", "lifecycle", "priority", "timezone", *VERBS,
    }  # fmt: skip
    close = get_close_matches(name, sorted(known - set(place if isinstance(place, Mapping) else ())), n=1)
    return f"{close[0]!r}, the nearest field" if close else None


def _shown(kind: str, path: Path, found: Any) -> str | None:
    if kind == "missing":
        return "nothing"
    if kind == "extra_forbidden":
        return repr(path[-1])
    text = repr(found)
    return text if len(text) <= 80 else text[:77] + "..."
