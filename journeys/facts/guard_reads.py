"""Which values a guard reads, and these alone taken from what is known.

Handing a customer's five hundred attributes to the evaluator for a look at one of them costs more than the look.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from journeys.facts.guard_syntax import Macro, Select, Tree, Variable, parts, walk

NEVER: Mapping[str, Any] = {"count": 0, "first_at": None, "last_at": None, "sum": 0.0}
"""The aggregate of an event that never came."""

NEVER_BOUGHT: Mapping[str, Any] = {"count": 0, "quantity": 0, "sum": 0.0, "sums": {}, "last_at": None}
"""What was bought of a product or a category that the customer never had."""

NO_NAMES: frozenset[str] = frozenset()
"""No name of an event."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Read:
    """One value that is read: the path to it, where that stands in the guard, and whether only has(…) looks."""

    path: tuple[str, ...]
    start: int
    end: int
    asked: bool


@dataclass(slots=True)
class Needed:
    """What of one value is read: the whole of it, or what these names lead to."""

    whole: bool = False
    asked: bool = False
    inside: "dict[str, Needed]" = field(default_factory=dict[str, "Needed"])


def reads(tree: Tree, bound: frozenset[str] = NO_NAMES) -> Iterator[Read]:
    """Every value that the guard reads; names that a macro binds are none."""
    read = _path(tree, bound)
    if read is not None:
        yield read
    elif isinstance(tree, Macro):
        yield from reads(tree.over, bound)
        for part in tree.body:
            yield from reads(part, bound | {tree.variable})
    else:
        for part in parts(tree):
            yield from reads(part, bound)


def names(tree: Tree) -> Iterator[str]:
    """Every variable that is named or bound."""
    for node in walk(tree):
        if isinstance(node, Variable):
            yield node.name
        elif isinstance(node, Macro):
            yield node.variable


def _path(tree: Tree, bound: frozenset[str]) -> Read | None:
    names: list[str] = []
    at = tree
    while isinstance(at, Select):
        names.append(at.name)
        at = at.of
    if not isinstance(at, Variable) or at.name in bound or not isinstance(tree, Variable | Select):
        return None
    asked = isinstance(tree, Select) and tree.asked
    return Read(path=(at.name, *reversed(names)), start=tree.start, end=tree.end, asked=asked)


def needed(found: Sequence[Read]) -> Needed:
    """The paths as one tree."""
    root = Needed()
    for read in found:
        at = root
        for name in read.path:
            at = at.inside.setdefault(name, Needed())
        at.whole = at.whole or not read.asked
        at.asked = at.asked or read.asked
    return root


def needed_values(context: Mapping[str, Any], want: Needed, path: tuple[str, ...] = ()) -> dict[str, Any]:
    """A copy of what is needed; null (zeros for an event, a product) where a path to nothing is not asked about."""
    found: dict[str, Any] = _plain(context) if want.whole else {}
    for name, inner in want.inside.items():
        value = context.get(name)
        if value is None and inner.asked and name not in context:
            continue
        here = (*path, name)
        if value is None and (inner.inside or here[:-1] in _ABSENT):
            value = dict(_ABSENT.get(here[:-1], {}))
        if inner.inside and isinstance(value, Mapping):
            value = needed_values(cast(Mapping[str, Any], value), inner, here)
        found[name] = value
    return found


_ABSENT: Mapping[tuple[str, ...], Mapping[str, Any]] = {
    ("customer", "events"): NEVER,
    ("customer", "bought"): NEVER_BOUGHT,
}
"""What stands for whatever is missing right below a path."""


def _plain(context: Mapping[str, Any]) -> dict[str, Any]:
    """The whole of a mapping, what is worked out only when it is asked for included."""
    return {
        name: _plain(cast(Mapping[str, Any], value)) if isinstance(value, Mapping) else value
        for name, value in context.items()
    }


def value_at(context: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """What the path leads to, or None."""
    here: Any = context
    for part in path:
        here = here.get(part) if isinstance(here, Mapping) else None
    return here


def is_plain(read: Read) -> bool:
    """Whether a value is read that stands right below the customer, the event or the enrollment, or in an aggregate."""
    below = read.path[1:]
    return not read.asked and (len(below) == 1 or (len(below) == 3 and read.path[:2] == ("customer", "events")))


def nested(values: Mapping[tuple[str, ...], Any]) -> dict[str, Any]:
    """The values by their paths as `needed_values` has them."""
    found: dict[str, Any] = {}
    for (*above, name), value in values.items():
        at = found
        for part in above:
            at = at.setdefault(part, {})
        at[name] = value
    return found
