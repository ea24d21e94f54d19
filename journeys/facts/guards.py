"""Guards: conditions in CEL over `customer`, `event`, `enrollment` and `now`.

What a guard reads and the customer lacks is null, and the aggregate of an event that never came is zero, so that a
condition on something absent is false instead of an error. A guard that fails all the same counts as false and says so,
and so does one that would take too long (`guard_cost`): it is not asked at all.
"""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from difflib import get_close_matches
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from journeys.facts import (
    calendar,
    guard_answers,
    guard_cost,
    guard_functions,
    guard_reads,
    guard_syntax,
    guard_types,
    guard_value,
)
from journeys.facts.guard_reads import Needed, Read

if TYPE_CHECKING:
    import cel

VARIABLES = ("customer", "event", "enrollment", "now")
"""What a guard may name."""

LONGEST = 4_000
"""Characters of a guard: several times what a person can follow."""

TOO_COSTLY = "guard_too_costly"
"""The code of a guard that is refused for what it may cost."""

ANY_EVENT = "*"
"""Stands for events of every name, where what is read cannot be told."""

PROFILE_EVENTS = ("Identify", "Group")
"""Events that change attributes, by the names under which they are kept."""

SEGMENT_EVENTS = ("Segment Joined", "Segment Left")
"""Events that the product makes when a customer joins or leaves a segment."""

REQUESTED, SUBSCRIBED, UNSUBSCRIBED = CONSENT_EVENTS = ("Subscription Requested", "Subscribed", "Unsubscribed")
"""Events that the product makes when a customer says something about a topic."""

FUNCTIONS = frozenset(
    {"size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"}
    | {"string", "int", "uint", "double", "bytes", "timestamp", "duration"}
    | {"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getHours", "getMinutes", "getSeconds", "getMilliseconds"}
    | {*guard_functions.OWN}
)
"""Every function that the evaluator has, beside the macros; the cost of any other is not known."""

_AT_ONCE = 64
"""A guard that goes over nothing and reads texts of at most so many characters costs what was found at validation."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardResult:
    """What a guard said, and the values it saw, keyed by how the guard names them: the recorded "why".

    `unread` are those of them that a function of ours could not read.
    """

    guard: str
    holds: bool
    seen: Mapping[str, Any] = field(default_factory=dict[str, Any])
    error: str | None = None
    unread: Mapping[str, Any] = field(default_factory=dict[str, Any])

    def as_json(self) -> dict[str, Any]:
        """The same as a decision's detail keeps it; `error` only where there is one."""
        shown: dict[str, Any] = {"guard": self.guard, "holds": self.holds, "seen": dict(self.seen)}
        return shown | ({"error": self.error} if self.error else {})


@dataclass(frozen=True, slots=True, kw_only=True)
class Computed:
    """What an expression came to, and the values it saw, as `GuardResult` has them; `value` is None with an `error`."""

    value: Any
    seen: Mapping[str, Any]
    error: str | None = None
    unread: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True, slots=True, kw_only=True)
class _Compiled:
    program: "cel.Program"
    tree: guard_syntax.Tree
    reads: tuple[Read, ...]
    shown: Mapping[str, tuple[str, ...]]
    needed: Needed
    refusal: tuple[str, str] | None
    readings: Mapping[str, tuple[str, ...]]
    """What number(), date() and days() are asked to read, by how the guard names it."""
    equalities: tuple[tuple[tuple[str, ...], str], ...]
    """What is compared with a constant by `==`, and the constant's kind."""
    calls: bool
    """Whether it calls any of them."""
    varies: bool
    """Whether the cost depends on more than the guard's own text."""


def check(text: str) -> None:
    """Raise ValueError with a sentence where `text` is no guard."""
    _compiled(text)


def refusal(text: str) -> tuple[str, str] | None:
    """Why what is a guard may not be published: a code and a sentence, or None."""
    return _compiled(text).refusal


def reads_now(text: str) -> bool:
    """Whether time alone can change what the guard says: it reads `now`, or what is expected of the customer."""
    return any(read.path[0] == "now" or guard_value.changes_by_time(read.path) for read in _compiled(text).reads)


def reads_event(text: str) -> bool:
    """Whether the guard looks at the event."""
    return any(read.path[0] == "event" for read in _compiled(text).reads)


def reads(text: str) -> frozenset[str]:
    """The events whose arrival can change what the guard says; ANY_EVENT where it may be every one."""
    changes: set[str] = set()
    for read in _compiled(text).reads:
        if read.path[0] == "customer":
            changes.update(_changed_by(read.path))
    return frozenset(changes)


def _changed_by(path: tuple[str, ...]) -> Sequence[str]:
    if len(path) == 1:
        return (ANY_EVENT,)
    if path[1] == "events":
        return (path[2],) if len(path) > 2 else (ANY_EVENT,)
    return {"segments": SEGMENT_EVENTS, **guard_value.CHANGED_BY}.get(path[1], PROFILE_EVENTS)


def evaluate(text: str, context: Mapping[str, Any]) -> GuardResult:
    """Ask the guard of a context as `facts.context` makes it; the error of one that costs too much is TOO_COSTLY."""
    asked = compute(text, context)
    if asked.error is None and not isinstance(asked.value, bool):
        told = f"gave {type(asked.value).__name__}, not true or false"
        return GuardResult(guard=text, holds=False, seen=asked.seen, error=told, unread=asked.unread)
    holds, error = asked.value is True, asked.error
    return GuardResult(guard=text, holds=holds, seen=asked.seen, error=error, unread=asked.unread)


def compute(text: str, context: Mapping[str, Any]) -> Computed:
    """What an expression comes to in a context as `facts.context` makes it, and what it saw; its `error` instead."""
    compiled = _compiled(text)
    filled = guard_reads.needed_values({name: context.get(name) for name in VARIABLES}, compiled.needed)
    values = {name: guard_reads.value_at(filled, path) for name, path in compiled.shown.items()}
    seen = {name: shown(value) for name, value in values.items()}
    unread: list[tuple[str, Any]] = []
    answer: Any = None
    try:
        if compiled.varies or not all(_is_small(value) for value in values.values()):
            guard_cost.bound(compiled.tree, filled)
        answer = compiled.program.execute(_environment(compiled, filled, context, unread))
    except guard_cost.TooCostly as error:
        return Computed(value=None, seen=seen, error=f"{TOO_COSTLY}: {error}")
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as failed:
        error = _told(compiled, filled, unread) or str(failed).partition("\n")[0][:200]
    else:
        fits = answer is not False or not (unread or any(_differs(filled, *one) for one in compiled.equalities))
        error = None if fits else _told(compiled, filled, unread)
    values = {name: guard_reads.value_at(filled, path) for name, path in compiled.readings.items()} if unread else {}
    lost = {name: value for name, value in values.items() if any(value == one for _, one in unread)}
    return Computed(value=answer if error is None else None, seen=seen, error=error, unread=lost)


def _environment(
    compiled: _Compiled, filled: dict[str, Any], context: Mapping[str, Any], unread: list[tuple[str, Any]]
) -> Any:
    """What the evaluator is handed: the values, and our functions where the guard calls one."""
    if not compiled.calls:
        return filled
    zone = calendar.zone_of(*context.get("zones", ()))
    return _library().Context(variables=filled, functions=guard_functions.functions(zone, unread))


@cache
def _library() -> Any:
    """The library that evaluates CEL, two megabytes: a process takes it up with its first guard.

    The package imports its own command line, and with that ten megabytes of terminal, which no process of ours needs.
    """
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel

    return cel


def _told(compiled: _Compiled, filled: Mapping[str, Any], unread: Sequence[tuple[str, Any]]) -> str | None:
    """Why a guard is false that might not be: what it could not read, or what cannot be compared with what it saw."""
    if unread:
        return "; ".join(f"{name}() cannot read {value!r:.80}" for name, value in unread)

    def kinds(path: tuple[str, ...]) -> guard_types.Kinds:
        value = guard_reads.value_at(filled, path) if path[0] in VARIABLES else None
        return guard_types.kind_of(value) if value is not None else guard_types.ANYTHING

    found = [one.sentence for one in guard_types.mismatches(compiled.tree, kinds)]
    return "; ".join(found)[:200] or None


def _differs(filled: Mapping[str, Any], path: tuple[str, ...], kind: str) -> bool:
    """Whether what is compared with a constant of this kind is there, and of another kind."""
    value = guard_reads.value_at(filled, path)
    return value is not None and kind not in guard_types.kind_of(value)


def type_problem(text: str) -> tuple[bool, str] | None:
    """Whether the guard can never hold because of what its values are, and why; None where its types fit.

    False with a sentence where a part of it alone never holds.
    """
    tree = _compiled(text).tree
    found = [*guard_functions.never_read(tree), *guard_types.mismatches(tree), *guard_answers.unanswered(tree)]
    if not found:
        return None
    return guard_types.never_holds(tree, [one.node for one in found]), "; ".join(one.sentence for one in found)


def _is_small(value: Any) -> bool:
    return len(value) <= _AT_ONCE if isinstance(value, str) else not isinstance(value, Mapping | list)


@lru_cache(maxsize=4_096)
def _compiled(text: str) -> _Compiled:
    if len(text) > LONGEST:
        raise ValueError(f"the guard has {len(text)} characters; at most {LONGEST} are allowed")
    guard_syntax.check_comparisons(text)
    try:
        program = _library().compile(text)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"the guard does not compile: {_reason(error)}") from None
    tree = guard_syntax.parse(text)
    if not set(program.variables()) <= set(guard_reads.names(tree)):
        raise ValueError("the guard is written in a way that cannot be read; write it plainer")
    found = tuple(guard_reads.reads(tree))
    _check_names([read.path[0] for read in found], text)
    refused = _refusal(tree) or guard_value.unknown(found)
    return _Compiled(
        program=program,
        tree=tree,
        reads=found,
        shown={text[read.start : read.end]: read.path for read in found if len(read.path) > 1},
        needed=guard_reads.needed(found),
        refusal=refused,
        readings={text[one.start : one.end]: one.path for one in guard_functions.readings(tree)},
        equalities=tuple(guard_types.equalities(tree)),
        calls=any(True for _ in guard_functions.calls(tree)),
        varies=refused is not None
        or any(isinstance(node, guard_syntax.Macro) for node in guard_syntax.walk(tree))
        or any(len(read.path) == 1 and read.path[0] != "now" for read in found),
    )


def _check_names(names: Sequence[str], text: str) -> None:
    unknown = [name for name in names if name not in VARIABLES]
    if unknown:
        close = get_close_matches(unknown[0], VARIABLES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"a guard reads {', '.join(VARIABLES)}"
        if not close and re.search(rf"(?:[=!<>]=|[<>]|\bin\b|[\[,])\s*{unknown[0]}\b(?!\s*[.(])", text):
            hint = f'a text stands in quotes: "{unknown[0]}"'
        raise ValueError(f"the guard reads {unknown[0]!r}; {hint}")


def _refusal(tree: guard_syntax.Tree) -> tuple[str, str] | None:
    for name in (node.name for node in guard_syntax.walk(tree) if isinstance(node, guard_syntax.FunctionCall)):
        if name.isidentifier() and name != "in" and name not in FUNCTIONS:
            close = get_close_matches(name, FUNCTIONS, n=1)
            hint = f"; did you mean {close[0]}()?" if close else ""
            return "unknown_function", f"the guard calls {name}(), which there is not{hint}"
    try:
        guard_functions.check(tree)
    except ValueError as error:
        return "guard_function", str(error)
    try:
        guard_cost.expected(tree)
    except guard_cost.TooCostly as error:
        return TOO_COSTLY, f"the guard costs too much: {error}"
    return None


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    said = (text.partition("ERROR: ")[2] or text).partition(" expecting {")[0]
    place = re.match(r"<input>:(\d+):(\d+): (.*)", said)
    return f"{place[3]}, at line {place[1]}, character {place[2]}" if place else said


def attributes_read(text: str) -> frozenset[str]:
    """The attributes of the customer that the guard reads by name."""
    paths = (read.path for read in _compiled(text).reads if len(read.path) > 1)
    return frozenset(path[1] for path in paths if path[0] == "customer" and path[1] not in guard_value.WORKED_OUT)


def shown(value: Any) -> Any:
    """A value as a record keeps it: a text shortened, an instant in ISO 8601, of anything large what it is."""
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value[:200] if isinstance(value, str) else value
    return f"({type(value).__name__})"
