"""Which guards can never hold because of what their values are: a text beside a number, a text beside an instant.

CEL compares like with like. So each part of a guard is given the kinds of value that it can have: at validation those
that a path can lead to (what a customer is said to be is JSON, and has no instants), and when a guard was asked those
that it saw. Where two parts have no kind in common, what compares them fails or is false, whatever happens.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from journeys.facts.guard_syntax import Collection, Constant, FunctionCall, Index, Macro, Select, Tree, Variable, walk
from value import customer_value

Kinds = frozenset[str]
"""What a value can be, of KINDS."""

KINDS: Mapping[str, str] = {
    "number": "a number",
    "text": "a text",
    "truth": "true or false",
    "null": "null",
    "instant": "an instant",
    "span": "a duration",
    "list": "a list",
    "map": "a mapping",
    "bytes": "bytes",
}
"""Every kind of value, and how it is called."""

ANYTHING = frozenset(KINDS)
JSON = frozenset({"number", "text", "truth", "null", "list", "map"})
"""What attributes, properties and the data of an enrollment can be."""

_NULL = frozenset({"null"})
_NUMBER, _TEXT, _TRUTH = frozenset({"number"}), frozenset({"text"}), frozenset({"truth"})
_INSTANT, _SPAN, _LIST = frozenset({"instant"}), frozenset({"span"}), frozenset({"list"})
_ORDERED = ANYTHING - {"null", "list", "map"}
_ORDER = ("<", "<=", ">", ">=")

_GIVES: Mapping[str, Kinds] = {
    **dict.fromkeys(("&&", "||", "==", "!=", "in", *_ORDER), _TRUTH),
    **dict.fromkeys(("contains", "startsWith", "endsWith", "matches", "has"), _TRUTH),
    **dict.fromkeys(("size", "int", "uint", "double", "*", "/", "%"), _NUMBER),
    **dict.fromkeys(("getFullYear", "getMonth", "getDate", "getDayOfMonth", "getDayOfWeek", "getDayOfYear"), _NUMBER),
    **dict.fromkeys(("getHours", "getMinutes", "getSeconds", "getMilliseconds"), _NUMBER),
    "string": _TEXT,
    "bytes": frozenset({"bytes"}),
    "timestamp": _INSTANT,
    "duration": _SPAN,
    "number": _NUMBER | _NULL,
    "date": _INSTANT | _NULL,
    "days": _SPAN | _NULL,
}
"""What functions and operators give, whatever they are given."""

_SUMS: Mapping[str, Mapping[tuple[str, str], str]] = {
    "+": {
        ("number", "number"): "number",
        ("text", "text"): "text",
        ("bytes", "bytes"): "bytes",
        ("list", "list"): "list",
        ("instant", "span"): "instant",
        ("span", "instant"): "instant",
        ("span", "span"): "span",
    },
    "-": {
        ("number", "number"): "number",
        ("instant", "instant"): "span",
        ("instant", "span"): "instant",
        ("span", "span"): "span",
    },
}
"""What can be added and taken off, and what that gives."""

_PATHS: Mapping[tuple[str, ...], Kinds] = {
    ("now",): _INSTANT,
    ("customer", "segments"): _LIST,
    ("event", "name"): _TEXT | _NULL,
    ("event", "timestamp"): _INSTANT | _NULL,
    ("enrollment", "key"): _TEXT,
    ("enrollment", "stage"): _TEXT,
    ("enrollment", "entered_at"): _INSTANT | _NULL,
}
"""What is not JSON that somebody sent, by its path."""

_AGGREGATE: Mapping[str, Kinds] = {
    "count": _NUMBER,
    "sum": _NUMBER,
    "first_at": _INSTANT | _NULL,
    "last_at": _INSTANT | _NULL,
}

_BOUGHT: Mapping[str, Kinds] = {
    "count": _NUMBER,
    "quantity": _NUMBER,
    "sum": _NUMBER | _NULL,
    "sums": frozenset({"map"}),
    "last_at": _INSTANT | _NULL,
}

KindsOfPath = Callable[[tuple[str, ...]], Kinds]
"""Tells what a path can lead to."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mismatch:
    """Two parts of a guard that have no kind in common, in a sentence."""

    node: Tree
    sentence: str


def possible(path: tuple[str, ...]) -> Kinds:
    """What a path of a guard can lead to, before anything is known of a customer."""
    if path[:2] == ("customer", "events"):
        return _AGGREGATE.get(path[3], _NULL) if len(path) == 4 else frozenset({"map"})
    if path[:2] == ("customer", "bought") and len(path) < 5:
        return _BOUGHT.get(path[3], _NULL) if len(path) == 4 else frozenset({"map"})
    if path[:2] == ("customer", "source") and len(path) == 4:
        return (_INSTANT if path[3] == "at" else _TEXT) | _NULL
    if path[:2] == ("customer", "value") and len(path) == 3 and path[2] in customer_value.NAMES:
        return frozenset({customer_value.NAMES[path[2]].kind, "null"})
    if path in _PATHS:
        return _PATHS[path]
    return ANYTHING if len(path) == 1 else JSON


def kind_of(value: Any) -> Kinds:
    """What a value is; what nobody knows is anything."""
    kinds: Sequence[tuple[type | tuple[type, ...], str]] = (
        (bool, "truth"),
        ((int, float), "number"),
        (str, "text"),
        (datetime, "instant"),
        (timedelta, "span"),
        ((list, tuple), "list"),
        (Mapping, "map"),
    )
    if value is None:
        return _NULL
    return next((frozenset({kind}) for types, kind in kinds if isinstance(value, types)), ANYTHING)


def kinds_of(tree: Tree) -> Kinds:
    """What a part of a guard can give, before anything is known of a customer."""
    return _kinds(tree, possible)


def called(tree: Tree) -> str:
    """How a part is called in a sentence: by its name, where it has one, and by its kind."""
    return _shown(tree, kinds_of(tree))


def mismatches(tree: Tree, kinds: KindsOfPath = possible) -> Iterator[Mismatch]:
    """Every comparison, sum and difference of what cannot be compared, added or taken off."""
    for node in walk(tree):
        if isinstance(node, FunctionCall) and len(node.parts) == 2:
            one, other = (_kinds(part, kinds) for part in node.parts)
            if not _fits(node.name, one, other):
                yield Mismatch(node=node, sentence=_sentence(node, one, other))


def equalities(tree: Tree) -> Iterator[tuple[tuple[str, ...], str]]:
    """The paths that are compared with a constant by `==`, each with the constant's kind."""
    for node in walk(tree):
        match node:
            case FunctionCall(name="==", parts=(Select() as select, Constant(kind=kind))):
                path = _path(select)
            case FunctionCall(name="==", parts=(Constant(kind=kind), Select() as select)):
                path = _path(select)
            case _:
                continue
        if path is not None and kind != "null":
            yield path, kind


def never_holds(tree: Tree, failing: Sequence[Tree]) -> bool:
    """Whether the guard cannot be true, given the parts that fail (or, of `==`, are false) whatever happens."""
    if any(tree is one for one in failing):
        return True
    match tree:
        case FunctionCall(name="&&", parts=parts):
            return any(never_holds(part, failing) for part in parts)
        case FunctionCall(name="||", parts=parts):
            return all(never_holds(part, failing) for part in parts)
        case FunctionCall(name="?:", parts=(asked, *arms)):
            return _fails(asked, failing) or all(never_holds(arm, failing) for arm in arms)
        case _:
            return _fails(tree, failing)


def _fails(tree: Tree, failing: Sequence[Tree]) -> bool:
    """Whether it gives an error whatever happens; what is only false does not, and `||` forgives one side."""
    if any(tree is one for one in failing):
        return not (isinstance(tree, FunctionCall) and tree.name == "==")
    match tree:
        case FunctionCall(name="||" | "&&", parts=parts):
            return all(_fails(part, failing) for part in parts)
        case FunctionCall(name="?:", parts=(asked, *_)):
            return _fails(asked, failing)
        case FunctionCall(parts=parts):
            return any(_fails(part, failing) for part in parts)
        case _:
            return False


def _fits(name: str, one: Kinds, other: Kinds) -> bool:
    if name in _ORDER:
        return bool(one & other & _ORDERED)
    if name == "==":
        return bool(one & other)
    if name in _SUMS:
        return any((left, right) in _SUMS[name] for left in one for right in other)
    return True


def _sentence(node: FunctionCall, one: Kinds, other: Kinds) -> str:
    parts = [_shown(part, kinds) for part, kinds in zip(node.parts, (one, other), strict=True)]
    verb = "added" if node.name == "+" else "taken off" if node.name == "-" else "compared"
    return f"{parts[0]} and {parts[1]} cannot be {verb}{_hint(node, one, other)}"


def _shown(tree: Tree, kinds: Kinds) -> str:
    told = _named(kinds)
    name = _name(tree)
    return f"{name}, {told}," if name else told


def _named(kinds: Kinds) -> str:
    if kinds >= JSON:
        return "which may be text or number but no instant" if not kinds & _INSTANT else "anything"
    names = [text for kind, text in KINDS.items() if kind in kinds - _NULL] or ["null"]
    return " or ".join(names)


def _name(tree: Tree) -> str:
    names: list[str] = []
    while isinstance(tree, Select):
        names.append(tree.name if tree.name.isidentifier() else f"[{tree.name!r}]")
        tree = tree.of
    if isinstance(tree, Variable):
        return ".".join([tree.name, *reversed(names)])
    return repr(tree.text) if isinstance(tree, Constant) and tree.text is not None else ""


def _hint(node: FunctionCall, one: Kinds, other: Kinds) -> str:
    """What would make them alike: a function round the part that is a text, or may be one."""
    for part, mine, its in ((node.parts[0], one, other), (node.parts[1], other, one)):
        if _is_no_aggregate(part):
            return f"; an event has {', '.join(_AGGREGATE)}"
        name = _name(part) or "…"
        if "text" in mine and "number" in its and "number" not in mine:
            return f"; write number({name})"
        if "text" in mine and its & _INSTANT and not mine & _INSTANT:
            return f"; write date({name})"
        if "number" in mine and its & _SPAN and not mine & _SPAN:
            return f"; write days({name})"
    return ""


def _is_no_aggregate(tree: Tree) -> bool:
    path = _path(tree) if isinstance(tree, Select) else None
    return path is not None and path[:2] == ("customer", "events") and len(path) == 4 and path[3] not in _AGGREGATE


# -- what a part can be ------------------------------------------------------------------------------------------------


def _kinds(tree: Tree, kinds: KindsOfPath) -> Kinds:
    match tree:
        case Constant(kind=kind):
            return frozenset({kind})
        case Variable(name=name):
            return kinds((name,))
        case Select(asked=True) | Macro(name="all" | "exists" | "exists_one" | "existsOne"):
            return _TRUTH
        case Select():
            path = _path(tree)
            return kinds(path) if path is not None else ANYTHING
        case Macro():
            return _LIST
        case Index():
            return ANYTHING
        case Collection():
            return frozenset({"list", "map"})
        case FunctionCall():
            return _given(tree, partial(_kinds, kinds=kinds))


def _given(call: FunctionCall, of: Callable[[Tree], Kinds]) -> Kinds:
    if call.name == "!":
        return (of(call.parts[0]) & (_NUMBER | _SPAN)) | _TRUTH  # the tree does not tell `!` from a sign
    if call.name == "?:":
        return frozenset().union(*(of(part) for part in call.parts[1:]))
    if call.name in _SUMS:
        found = of(call.parts[0])
        for part in call.parts[1:]:
            table = {**_SUMS["+"], **_SUMS["-"]} if len(call.parts) > 2 else _SUMS[call.name]
            found = frozenset(given for (one, other), given in table.items() if one in found and other in of(part))
        return found or ANYTHING
    return _GIVES.get(call.name, ANYTHING)


def _path(tree: Select) -> tuple[str, ...] | None:
    names: list[str] = []
    at: Tree = tree
    while isinstance(at, Select):
        names.append(at.name)
        at = at.of
    return (at.name, *reversed(names)) if isinstance(at, Variable) else None
