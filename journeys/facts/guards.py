"""Guards: conditions in CEL over `customer`, `event`, `enrollment` and `now`.

What a guard reads and the customer lacks is null, and the aggregate of an event that never came is zero, so that a
condition on something absent is false instead of an error. A guard that fails all the same counts as false and says so,
and so does one that would take too long (`guard_cost`): it is not asked at all.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from typing import Any

from journeys.facts import (
    calendar,
    compiled_guards,
    guard_answers,
    guard_cost,
    guard_functions,
    guard_reads,
    guard_types,
    guard_value,
)
from journeys.facts.compiled_guards import CompiledGuard
from journeys.facts.guard_cost import Purse

ANY_EVENT = "*"
"""Stands for events of every name, where what is read cannot be told."""

PROFILE_EVENTS = ("Identify", "Group")
"""Events that change attributes, by the names under which they are kept."""

SEGMENT_EVENTS = ("Segment Joined", "Segment Left")
"""Events that the product makes when a customer joins or leaves a segment."""

REQUESTED, SUBSCRIBED, UNSUBSCRIBED = CONSENT_EVENTS = ("Subscription Requested", "Subscribed", "Unsubscribed")
"""Events that the product makes when a customer says something about a topic."""

_PLAIN = (str, int, float, bool, type(None))
"""Types of values of which there are few for many customers."""

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
    put_off: bool = False
    """Whether it was not asked since those before it have used up what they share: it may be asked later."""

    @property
    def asked(self) -> bool:
        """Whether it was asked, and not passed over since it would have taken too long."""
        return self.error is None or not self.error.startswith(compiled_guards.TOO_COSTLY)

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
    put_off: bool = False


def check(text: str) -> None:
    """Raise ValueError with a sentence where `text` is no guard."""
    compiled_guards.compiled(text)


def refusal(text: str) -> tuple[str, str] | None:
    """Why what is a guard may not be published: a code and a sentence, or None."""
    return compiled_guards.compiled(text).refusal


def reads_now(text: str) -> bool:
    """Whether time alone can change what the guard says: it reads `now`, or what is expected of the customer."""
    return any(
        read.path[0] == "now" or guard_value.changes_by_time(read.path) for read in compiled_guards.compiled(text).reads
    )


def reads_event(text: str) -> bool:
    """Whether the guard looks at the event."""
    return any(read.path[0] == "event" for read in compiled_guards.compiled(text).reads)


def reads(text: str) -> frozenset[str]:
    """The events whose arrival can change what the guard says; ANY_EVENT where it may be every one."""
    changes: set[str] = set()
    for read in compiled_guards.compiled(text).reads:
        if read.path[0] == "customer":
            changes.update(_changed_by(read.path))
    return frozenset(changes)


def _changed_by(path: tuple[str, ...]) -> Sequence[str]:
    if len(path) == 1:
        return (ANY_EVENT,)
    if path[1] == "events":
        return (path[2],) if len(path) > 2 else (ANY_EVENT,)
    return {"segments": SEGMENT_EVENTS, **guard_value.CHANGED_BY}.get(path[1], PROFILE_EVENTS)


def evaluate(text: str, context: Mapping[str, Any], purse: Purse | None = None) -> GuardResult:
    """Ask the guard of a context as `facts.context` makes it; the error of one that costs too much is TOO_COSTLY.

    `purse` is what several guards share.
    """
    asked = compute(text, context, purse)
    if asked.error is None and not isinstance(asked.value, bool):
        told = f"gave {type(asked.value).__name__}, not true or false"
        return GuardResult(guard=text, holds=False, seen=asked.seen, error=told, unread=asked.unread)
    holds, error = asked.value is True, asked.error
    seen, unread, put_off = asked.seen, asked.unread, asked.put_off
    return GuardResult(guard=text, holds=holds, seen=seen, error=error, unread=unread, put_off=put_off)


def compute(text: str, context: Mapping[str, Any], purse: Purse | None = None) -> Computed:
    """What an expression comes to in a context as `facts.context` makes it, and what it saw; its `error` instead."""
    compiled = compiled_guards.compiled(text)
    filled = guard_reads.needed_values({name: context.get(name) for name in compiled_guards.VARIABLES}, compiled.needed)
    values = {name: guard_reads.value_at(filled, path) for name, path in compiled.shown.items()}
    if compiled.repeats and all(type(value) in _PLAIN for value in values.values()):
        return _of_plain(text, *values.values())
    return _computed(compiled, filled, values, context, purse)


@lru_cache(maxsize=4_096, typed=True)
def _of_plain(text: str, *values: Any) -> Computed:
    """What was computed of the same values before: many customers are alike in what one guard reads."""
    compiled = compiled_guards.compiled(text)
    filled = guard_reads.nested(dict(zip(compiled.shown.values(), values, strict=True)))
    return _computed(compiled, filled, dict(zip(compiled.shown, values, strict=True)), {})


def _computed(
    compiled: CompiledGuard,
    filled: dict[str, Any],
    values: Mapping[str, Any],
    context: Mapping[str, Any],
    purse: Purse | None = None,
) -> Computed:
    seen = {name: shown(value) for name, value in values.items()}
    unread: list[tuple[str, Any]] = []
    answer: Any = None
    try:
        if compiled.varies or not all(_is_small(value) for value in values.values()):
            cost = guard_cost.bound(compiled.tree, filled)
            if purse is not None:
                purse.pay(cost)
        answer = compiled.program.execute(_environment(compiled, filled, context, unread))
    except guard_cost.TooCostly as error:
        put_off = isinstance(error, guard_cost.PutOff)
        return Computed(value=None, seen=seen, error=f"{compiled_guards.TOO_COSTLY}: {error}", put_off=put_off)
    except (ValueError, TypeError, LookupError, ArithmeticError, RuntimeError) as failed:
        error = _told(compiled, filled, unread) or str(failed).partition("\n")[0][:200]
    else:
        fits = answer is not False or not (unread or any(_differs(filled, *one) for one in compiled.equalities))
        error = None if fits else _told(compiled, filled, unread)
    values = {name: guard_reads.value_at(filled, path) for name, path in compiled.readings.items()} if unread else {}
    lost = {name: value for name, value in values.items() if any(value == one for _, one in unread)}
    return Computed(value=answer if error is None else None, seen=seen, error=error, unread=lost)


def _environment(
    compiled: CompiledGuard, filled: dict[str, Any], context: Mapping[str, Any], unread: list[tuple[str, Any]]
) -> Any:
    """What the evaluator is handed: the values, and our functions where the guard calls one."""
    if not compiled.calls:
        return filled
    zone = calendar.zone_of(*context.get("zones", ()))
    return compiled_guards.evaluator().Context(variables=filled, functions=guard_functions.functions(zone, unread))


def _told(compiled: CompiledGuard, filled: Mapping[str, Any], unread: Sequence[tuple[str, Any]]) -> str | None:
    """Why a guard is false that might not be: what it could not read, or what cannot be compared with what it saw."""
    if unread:
        return "; ".join(f"{name}() cannot read {value!r:.80}" for name, value in unread)

    def kinds(path: tuple[str, ...]) -> guard_types.Kinds:
        value = guard_reads.value_at(filled, path) if path[0] in compiled_guards.VARIABLES else None
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
    tree = compiled_guards.compiled(text).tree
    found = [*guard_functions.never_read(tree), *guard_types.mismatches(tree), *guard_answers.unanswered(tree)]
    if not found:
        return None
    return guard_types.never_holds(tree, [one.node for one in found]), "; ".join(one.sentence for one in found)


def _is_small(value: Any) -> bool:
    return len(value) <= _AT_ONCE if isinstance(value, str) else not isinstance(value, Mapping | list)


def attributes_read(text: str) -> frozenset[str]:
    """The attributes of the customer that the guard reads by name."""
    paths = (read.path for read in compiled_guards.compiled(text).reads if len(read.path) > 1)
    return frozenset(path[1] for path in paths if path[0] == "customer" and path[1] not in guard_value.WORKED_OUT)


def shown(value: Any) -> Any:
    """A value as a record keeps it: a text shortened, an instant in ISO 8601, of anything large what it is."""
    if isinstance(value, datetime):
        return value.isoformat()
    if value is None or isinstance(value, bool | int | float | str):
        return value[:200] if isinstance(value, str) else value
    return f"({type(value).__name__})"
