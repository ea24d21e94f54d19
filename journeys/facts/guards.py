"""Guards: conditions in CEL over `customer`, `event`, `enrollment` and `now`.

What a guard reads and the customer lacks is null, and the aggregate of an event that never came is zero, so that a
condition on something absent is false instead of an error. A guard that fails all the same counts as false and says so.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from types import ModuleType
from typing import Any

# The package imports its own command line, and with that ten megabytes of terminal, which no process of ours needs.
sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))

import cel  # noqa: E402

VARIABLES = ("customer", "event", "enrollment", "now")
LONGEST = 4_000
ANY_EVENT = "*"
PROFILE_EVENTS = ("Identify", "Group")
SEGMENT_EVENTS = ("Segment Joined", "Segment Left")
REQUESTED, SUBSCRIBED, UNSUBSCRIBED = CONSENT_EVENTS = ("Subscription Requested", "Subscribed", "Unsubscribed")
NEVER: Mapping[str, Any] = {"count": 0, "first_at": None, "last_at": None, "sum": 0.0}

_PATH = re.compile(r"""\b(?:customer|event|enrollment)(?:\.[A-Za-z_]\w*(?!\w*\s*\()|\[\s*(?:"[^"]*"|'[^']*')\s*\])+""")
_PART = re.compile(r"""\.([A-Za-z_]\w*)|\[\s*["']([^"']*)["']\s*\]""")
_BOUND = re.compile(r"\.(?:all|exists|exists_one|map|filter)\(\s*([A-Za-z_]\w*)\s*,")


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a guard said, and the values it saw, keyed by how the guard names them."""

    holds: bool
    seen: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: str | None = None


@dataclass(frozen=True, slots=True)
class _Compiled:
    program: cel.Program
    paths: Mapping[str, tuple[str, ...]]
    reads_now: bool


def check(text: str) -> None:
    """Raise ValueError with a sentence where `text` is no guard."""
    _compiled(text)


def reads_now(text: str) -> bool:
    """Whether time alone can change what the guard says."""
    return _compiled(text).reads_now


def reads_event(text: str) -> bool:
    """Whether the guard looks at the event."""
    return any(path[0] == "event" for path in _compiled(text).paths.values())


def reads(text: str) -> frozenset[str]:
    """The events whose arrival can change what the guard says; ANY_EVENT where it may be every one."""
    changes: set[str] = set()
    for path in _compiled(text).paths.values():
        if path[0] == "customer":
            changes.update(_changed_by(path))
    return frozenset(changes)


def _changed_by(path: tuple[str, ...]) -> Sequence[str]:
    if path[1] == "events":
        return (path[2],) if len(path) > 2 else (ANY_EVENT,)
    return SEGMENT_EVENTS if path[1] == "segments" else PROFILE_EVENTS


def evaluate(text: str, context: Mapping[str, Any]) -> Verdict:
    """Ask the guard of a context as `facts.context` makes it."""
    compiled = _compiled(text)
    filled = {name: context.get(name) for name in VARIABLES}
    for path in compiled.paths.values():
        _fill(filled, path)
    seen = {name: _shown(_value(filled, path)) for name, path in compiled.paths.items()}
    try:
        answer = compiled.program.execute(filled)
    except (ValueError, TypeError, KeyError, RuntimeError) as error:
        return Verdict(holds=False, seen=seen, error=str(error).splitlines()[0][:200])
    if not isinstance(answer, bool):
        return Verdict(holds=False, seen=seen, error=f"gave {type(answer).__name__}, not true or false")
    return Verdict(holds=answer, seen=seen)


@lru_cache(maxsize=4_096)
def _compiled(text: str) -> _Compiled:
    if len(text) > LONGEST:
        raise ValueError(f"the guard has {len(text)} characters; at most {LONGEST} are allowed")
    try:
        program = cel.compile(text)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"the guard does not compile: {_reason(error)}") from None
    bound = set(_BOUND.findall(text))
    names = program.variables()
    unknown = [name for name in names if name not in VARIABLES and name not in bound]
    if unknown:
        close = get_close_matches(unknown[0], VARIABLES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"a guard reads {', '.join(VARIABLES)}"
        raise ValueError(f"the guard reads {unknown[0]!r}; {hint}")
    return _Compiled(program, {match[0]: _parts(match[0]) for match in _PATH.finditer(text)}, "now" in names)


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    said = (text.partition("ERROR: ")[2] or text).partition(" expecting {")[0]
    place = re.match(r"<input>:(\d+):(\d+): (.*)", said)
    return f"{place[3]}, at line {place[1]}, character {place[2]}" if place else said


def _parts(path: str) -> tuple[str, ...]:
    root = re.match(r"\w+", path)
    assert root is not None
    return (root[0], *(plain or quoted for plain, quoted in _PART.findall(path[root.end() :])))


def _fill(context: dict[str, Any], path: tuple[str, ...]) -> None:
    """Put null (or, for an event, zeros) where `path` leads to nothing, copying what it changes."""
    here: dict[str, Any] = context
    for depth, part in enumerate(path):
        value = here.get(part)
        if depth == len(path) - 1:
            here.setdefault(part, dict(NEVER) if _is_event(path[: depth + 1]) else None)
            return
        if value is None:
            value = dict(NEVER) if _is_event(path[: depth + 1]) else {}
        if not isinstance(value, Mapping):
            return
        copy = dict(value)
        here[part] = copy
        here = copy


def _is_event(path: tuple[str, ...]) -> bool:
    return len(path) == 3 and path[:2] == ("customer", "events")


def _value(context: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    here: Any = context
    for part in path:
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def _shown(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value[:200] if isinstance(value, str) else value
    return f"({type(value).__name__})"
