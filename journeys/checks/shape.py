"""Pydantic's findings in the words of the language: a stable code, what was found, what would be right.

Where the shape is wrong, what is wrong is put aside and the rest is still looked at, so that all problems come at once.
"""

import copy
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Any, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from journeys.checks import flow, lint
from journeys.checks.lint import ValidationContext
from journeys.language import definition, experiments, hooks, verbs
from journeys.language.problems import DefinitionProblem, Path
from journeys.language.verbs import VERBS
from journeys.language.words import FORM

FORMS = ("[key]", "ReentryAfter", "SendWindow", "str", "list[str]")
"""What pydantic puts into a path for the form that it tried: nobody has written that."""

DURATIONS = ("wait", "after", "inactive", "up_to", "within", "expires", "offset")
"""Fields that hold a duration, where a number alone is the usual mistake."""

ROUNDS = 5
"""Times that what is wrong is put aside: what was hidden behind it comes out by then."""

MOST = 100
"""Problems of shape that are told: whoever has more has one mistake many times."""

CODES: Mapping[str, tuple[str, str | None]] = {
    "missing": ("missing_field", "this field is required"),
    "extra_forbidden": ("unknown_field", "there is no such field here"),
    "string_type": ("wrong_type", "a text is wanted here"),
    "list_type": ("wrong_type", "a list is wanted here"),
    "dict_type": ("wrong_type", "a mapping is wanted here"),
    "model_type": ("wrong_type", "a mapping is wanted here"),
    "model_attributes_type": ("wrong_type", "a mapping is wanted here"),
    "bool_type": ("wrong_type", "true or false is wanted here"),
    "bool_parsing": ("wrong_type", "true or false is wanted here"),
    "int_type": ("wrong_type", "a whole number is wanted here"),
    "int_parsing": ("wrong_type", "a whole number is wanted here"),
    "int_from_float": ("wrong_type", "a whole number is wanted here"),
    "literal_error": ("wrong_value", "this is not one of the values allowed here"),
    "string_pattern_mismatch": ("key", "this is no key"),
    "string_too_short": ("empty", "this must not be empty"),
    "too_short": ("empty", "this must not be empty"),
    "string_too_long": ("too_large", "this is too long"),
    "too_long": ("too_large", "this is too long"),
    "greater_than_equal": ("out_of_range", "this number is too small"),
    "less_than_equal": ("out_of_range", "this number is too large"),
    "step_verb": ("step_verb", None),
}
"""Pydantic's kinds of errors: our code, and what is said (None: pydantic's own words)."""

PARTS: Mapping[str, type[BaseModel]] = {
    "stages": definition.Stage,
    "variants": verbs.Variant,
    "transitions": definition.Transition,
    "enter": definition.Trigger,
    "exit": definition.Exit,
    "goal": definition.Goal,
    "defaults": definition.Defaults,
    "reentry": definition.ReentryAfter,
    "schedule": definition.Schedule,
    "send_window": verbs.SendWindow,
    "branch": verbs.Case,
    "send": verbs.Send,
    "wait": verbs.WaitUntil,
    "wait_for": verbs.WaitFor,
    "split": verbs.Split,
    "decide": experiments.WinnerRule,
    "webhook": hooks.Webhook,
    "notify": hooks.Notify,
    "enroll": verbs.Enroll,
}
"""The model that stands behind a field, for what it may hold."""

NAMED = ("stages", "variants")
"""Fields whose keys are names that the marketer gives."""

STAND_INS: Mapping[str, Any] = {
    "steps": {"wait": "1 day"},
    "then": {"wait": "1 day"},
    "else": {"wait": "1 day"},
    "transitions": {"on": "?", "to": "?"},
    "enter": {"on": "?"},
    "exit": {"on": "?"},
    "branch": {"if": "true", "then": []},
    "variants": {"weight": 1},
    "stages": {},
    "start": "?",
    "journey": "stand-in",
}
"""What takes the place of a part that is wrong, so that the rest can be looked at."""


def shape_problems(error: ValidationError, data: Any, around: ValidationContext) -> list[DefinitionProblem]:
    """Every problem of shape, and what can be said of the names in the rest."""
    found = [one for one in error.errors(include_url=False) if not _of_another_form(one)]
    shape = [_problem(one, data) for one in found[:MOST]]
    rest = [one for one in _of_the_rest(error, data, around) if not _within(one.path, [p.path for p in shape])]
    errors = [one for one in rest if one.severity == "error"]
    return [*_without_repeats(shape), *errors, *(one for one in rest if one.severity != "error")]


def _without_repeats(problems: Sequence[DefinitionProblem]) -> list[DefinitionProblem]:
    """One problem for each place: a value that fits neither of two forms is reported once."""
    seen: dict[tuple[Path, str], DefinitionProblem] = {}
    for one in problems:
        seen.setdefault((one.path, one.code), one)
    return list(seen.values())


# -- one finding -------------------------------------------------------------------------------------------------------


def _problem(error: ErrorDetails, data: Any) -> DefinitionProblem:
    kind, found = error["type"], error["input"]
    path = _path(error["loc"], data)
    code, message = CODES.get(kind, (kind, None))
    expected: str | None = None
    if kind == "step_verb":
        code, expected = _verb_expected(found)
    elif kind == "extra_forbidden":
        expected = _field_expected(path)
    elif kind == "string_pattern_mismatch":
        expected = "a letter, then letters, digits, - or _"
    elif kind == "string_type" and path[-1:] and path[-1] in DURATIONS:
        code, message, expected = "duration", "a duration is a number and a unit", 'a text such as "3 days"'
    else:
        expected = _limit(error.get("ctx", {}))
    return DefinitionProblem(
        code=code, message=message or error["msg"], path=path, found=_shown(kind, path, found), expected=expected
    )


def _of_another_form(error: ErrorDetails) -> bool:
    """Of a value that may be a word or a mapping, only what is wrong with the form that was used is told."""
    mapping = isinstance(error["input"], Mapping)
    if error["type"] == "literal_error":
        return mapping and any(str(part).startswith("literal[") for part in error["loc"])
    return error["type"] == "model_type" and not mapping and error["loc"][-1:] in (("ReentryAfter",), ("SendWindow",))


def _limit(context: Mapping[str, Any]) -> str | None:
    for name, text in (("expected", "{}"), ("ge", "at least {}"), ("le", "at most {}"), ("max_length", "at most {}")):
        if name in context:
            return text.format(context[name])
    return None


def _path(loc: Sequence[str | int], data: Any) -> Path:
    """Pydantic's location without the tags of unions, as it stands in the document."""
    path: list[str | int] = []
    here: Any = data
    written = [one for one in loc if not _tag(one)]
    for index, part in enumerate(written):
        last = index == len(written) - 1
        known = _has(here, part)
        if not known and not last:
            continue
        path.append(part)
        here = here[part] if known else None
    return tuple(path)


def _tag(part: str | int) -> bool:
    return part in FORMS or (isinstance(part, str) and part.startswith((FORM, "literal[")))


def _has(here: Any, part: str | int) -> bool:
    if isinstance(here, Mapping):
        return part in here
    return isinstance(here, list) and isinstance(part, int) and part < len(cast(list[Any], here))


def _verb_expected(found: Any) -> tuple[str, str]:
    if isinstance(found, Mapping):
        names = [str(name) for name in cast(Mapping[Any, Any], found) if name != "id"]
        several = [name for name in names if name in VERBS]
        if len(several) > 1:
            return "several_verbs", f"one verb, not {' and '.join(several)}; make them {len(several)} steps"
        for name in names:
            if close := get_close_matches(name, VERBS, n=1, cutoff=0.6):
                return "unknown_verb", f"{close[0]!r}, the nearest verb"
        if not names:
            return "missing_verb", "one of " + ", ".join(VERBS)
        return "unknown_verb", "one of " + ", ".join(VERBS)
    return "wrong_type", "a mapping with one of " + ", ".join(VERBS)


def _field_expected(path: Path) -> str | None:
    """The nearest field of the mapping in which `path` ends, else all of them."""
    part = _part_at(path[:-1])
    if part is None:
        return "only id beside the verb" if len(path) > 1 and isinstance(path[-2], int) else None
    fields = [field.alias or name for name, field in part.model_fields.items()]
    close = get_close_matches(str(path[-1]), fields, n=1, cutoff=0.6)
    return f"{close[0]!r}, the nearest field" if close else "one of " + ", ".join(fields)


def _part_at(path: Path) -> type[BaseModel] | None:
    if not path:
        return definition.Definition
    *above, last = path
    inside = above and (isinstance(last, int) or above[-1] in NAMED)
    return PARTS.get(str(above[-1] if inside else last))


def _shown(kind: str, path: Path, found: Any) -> str | None:
    if kind == "missing":
        return None
    if kind == "extra_forbidden":
        return repr(path[-1])
    if isinstance(found, Mapping):
        names = ", ".join(map(repr, list(cast(Mapping[Any, Any], found))[:6]))
        return f"a mapping with {names}" if names else "an empty mapping"
    text = repr(found)
    return text if len(text) <= 80 else text[:77] + "..."


# -- the rest ----------------------------------------------------------------------------------------------------------


def _of_the_rest(error: ValidationError, data: Any, around: ValidationContext) -> list[DefinitionProblem]:
    """Put stand-ins where the shape is wrong, until the rest can be read; say what its names mean."""
    rest, aside = copy.deepcopy(data), list[Path]()
    for _ in range(ROUNDS):
        for one in error.errors(include_url=False):
            aside.append(_put_aside(rest, one, _path(one["loc"], rest)))
        try:
            journey = definition.Definition.model_validate(rest)
        except ValidationError as again:
            error = again
            continue
        found = lint.names(journey, around)
        ways = all(one.code != "unknown_stage" for one in found)
        found += flow.problems(journey, whole=ways and _is_whole(aside))
        return [one for one in found if not _within(one.path, aside) and "'?'" not in (one.found or one.message)]
    return []


GUARDS = ("when", "if")
"""Fields that hold a guard: one that cannot be read is taken for one that holds, so that the rest is looked at."""


def _is_whole(aside: Sequence[Path]) -> bool:
    """Whether what was put aside leads nowhere: guards, and fields of the journey that name no stage."""
    return all(path[-1:] and path[-1] in GUARDS for path in aside)


def _put_aside(rest: Any, error: ErrorDetails, path: Path) -> Path:
    """Replace the smallest thing that can be replaced; return its path."""
    if error["type"] == "extra_forbidden":
        _remove(rest, path)
        return path
    if path[-1:] and path[-1] in GUARDS and isinstance(_walk(rest, path), str):
        _place(rest, path, "true")
        return path
    for length in range(len(path), 0, -1):
        here = path[:length]
        inside_list = isinstance(here[-1], int) or (length > 1 and here[-2] in NAMED)
        name = str(here[-2] if inside_list and length > 1 else here[-1])
        if name in STAND_INS and (inside_list or length == 1):
            _place(rest, here, copy.deepcopy(STAND_INS[name]))
            return here
    _remove(rest, path[:1])
    return path[:1]


def _place(rest: Any, path: Path, value: Any) -> None:
    parent = _walk(rest, path[:-1])
    if isinstance(parent, dict | list):
        cast(Any, parent)[path[-1]] = value


def _remove(rest: Any, path: Path) -> None:
    parent = _walk(rest, path[:-1])
    if isinstance(parent, dict) and path:
        cast(dict[Any, Any], parent).pop(path[-1], None)


def _walk(rest: Any, path: Path) -> Any:
    for part in path:
        rest = rest[part] if _has(rest, part) else None
    return rest


def _within(path: Path, places: Sequence[Path]) -> bool:
    return any(path[: len(place)] == place for place in places)
