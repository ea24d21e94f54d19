"""A guard compiled: the program that evaluates it, what it reads, and whether it is refused for what it may cost."""

import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache, lru_cache
from types import ModuleType
from typing import TYPE_CHECKING, Any

from journeys.facts import guard_cost, guard_functions, guard_reads, guard_syntax, guard_types, guard_value
from journeys.facts.guard_reads import Needed, Read

if TYPE_CHECKING:
    import cel

VARIABLES = ("customer", "event", "enrollment", "now")
"""What a guard may name."""

LONGEST = 4_000
"""Characters of a guard: several times what a person can follow."""

TOO_COSTLY = "guard_too_costly"
"""The code of a guard that is refused for what it may cost."""

FUNCTIONS = frozenset(
    {"size", "contains", "startsWith", "endsWith", "matches", "type", "dyn"}
    | {"string", "int", "uint", "double", "bytes", "timestamp", "duration"}
    | {"getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"}
    | {"getHours", "getMinutes", "getSeconds", "getMilliseconds"}
    | {*guard_functions.OWN}
)
"""Every function that the evaluator has, beside the macros; the cost of any other is not known."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompiledGuard:
    """What is known of a guard before it is asked."""

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
    """Whether the cost depends on more than the guard's own text, or is no small one."""
    repeats: bool
    """Whether plain values at what it reads are all that it depends on."""


@lru_cache(maxsize=4_096)
def compiled(text: str) -> CompiledGuard:
    """Compile a guard, once; raise ValueError with a sentence where `text` is none."""
    if len(text) > LONGEST:
        raise ValueError(f"the guard has {len(text)} characters; at most {LONGEST} are allowed")
    guard_syntax.check_comparisons(text)
    try:
        program = evaluator().compile(text)
    except (ValueError, RuntimeError) as error:
        raise ValueError(f"the guard does not compile: {_reason(error)}") from None
    tree = guard_syntax.parse(text)
    if not set(program.variables()) <= set(guard_reads.names(tree)):
        raise ValueError("the guard is written in a way that cannot be read; write it plainer")
    found = tuple(guard_reads.reads(tree))
    _check_names([read.path[0] for read in found], text)
    cost, refused = _cost(tree)
    refused = refused or guard_value.unknown(found)
    calls = any(True for _ in guard_functions.calls(tree))
    varies = (
        refused is not None
        or cost > guard_cost.SMALL_CHANGE
        or any(isinstance(node, guard_syntax.Macro) for node in guard_syntax.walk(tree))
        or any(len(read.path) == 1 and read.path[0] != "now" for read in found)
    )
    return CompiledGuard(
        program=program,
        tree=tree,
        reads=found,
        shown={text[read.start : read.end]: read.path for read in found if len(read.path) > 1},
        needed=guard_reads.needed(found),
        refusal=refused,
        readings={text[one.start : one.end]: one.path for one in guard_functions.readings(tree)},
        equalities=tuple(guard_types.equalities(tree)),
        calls=calls,
        varies=varies,
        repeats=not (calls or varies) and all(guard_reads.is_plain(read) for read in found),
    )


def _check_names(names: Sequence[str], text: str) -> None:
    unknown = [name for name in names if name not in VARIABLES]
    if unknown:
        close = get_close_matches(unknown[0], VARIABLES, n=1)
        hint = f"did you mean {close[0]!r}?" if close else f"a guard reads {', '.join(VARIABLES)}"
        if not close and re.search(rf"(?:[=!<>]=|[<>]|\bin\b|[\[,])\s*{unknown[0]}\b(?!\s*[.(])", text):
            hint = f'a text stands in quotes: "{unknown[0]}"'
        raise ValueError(f"the guard reads {unknown[0]!r}; {hint}")


def _cost(tree: guard_syntax.Tree) -> tuple[int, tuple[str, str] | None]:
    """What it takes for an ordinary customer, in nanoseconds, and why it is refused."""
    refused = _wrong_call(tree)
    if refused is not None:
        return 0, refused
    try:
        return guard_cost.expected(tree), None
    except guard_cost.TooCostly as error:
        return 0, (TOO_COSTLY, f"the guard costs too much: {error}")


def _wrong_call(tree: guard_syntax.Tree) -> tuple[str, str] | None:
    for name in (node.name for node in guard_syntax.walk(tree) if isinstance(node, guard_syntax.FunctionCall)):
        if name.isidentifier() and name != "in" and name not in FUNCTIONS:
            close = get_close_matches(name, FUNCTIONS, n=1)
            hint = f"; did you mean {close[0]}()?" if close else ""
            return "unknown_function", f"the guard calls {name}(), which there is not{hint}"
    try:
        guard_functions.check(tree)
    except ValueError as error:
        return "guard_function", str(error)
    return None


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0]
    said = (text.partition("ERROR: ")[2] or text).partition(" expecting {")[0]
    place = re.match(r"<input>:(\d+):(\d+): (.*)", said)
    return f"{place[3]}, at line {place[1]}, character {place[2]}" if place else said


@cache
def evaluator() -> Any:
    """The library that evaluates CEL, two megabytes: a process takes it up with its first guard.

    The package imports its own command line, and with that ten megabytes of terminal, which no process of ours needs.
    """
    sys.modules.setdefault("cel.cli", ModuleType("cel.cli"))
    import cel

    return cel
