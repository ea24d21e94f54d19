"""What a guard may cost: worked out before it is asked, because the evaluator cannot be stopped once it runs.

The evaluator is native code: it holds the interpreter, and it ends when it has ended or when memory has. So the cost is
a bound, never a measurement: sizes of what the guard reads are carried through its tree, and a macro costs its body as
often as its list has elements. At validation the lists of a customer are taken to be of an ordinary size (`ORDINARY`);
when a guard is asked, what it reads is measured. Where the bound passes BUDGET the guard is not asked.

Costs are nanoseconds of one core as measured with common-expression-language 0.10, rounded up; a guard takes less
than its bound, and the same guard over the same facts has the same bound everywhere.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, cast

from journeys.facts.guard_functions import OWN
from journeys.facts.guard_syntax import Collection, Constant, FunctionCall, Index, Macro, Select, Tree, Variable

BUDGET = 50_000_000
"""Nanoseconds: a guard is asked under the customer's lock, and everybody's events wait meanwhile."""

EVENT = 4 * BUDGET
"""Nanoseconds that all guards may cost together that one event asks: of triggers, of segments, of what follows."""

BATCH = 20 * BUDGET
"""Nanoseconds that guards may cost together in one batch of events, which are taken in by one transaction."""

SMALL_CHANGE = BUDGET // 50
"""Nanoseconds: a guard that goes over nothing and takes no longer is asked without being paid for."""

TAKEN = 1_500
"""Nanoseconds to hand over one value of the context."""
CLONED = 150
"""Nanoseconds to copy one value: each step along a path copies what it leads to."""
WORKED = 50
"""Nanoseconds for one operator, call or literal."""
ROUND = 200
"""Nanoseconds for one turn of a macro, beside its body."""
READ = 20
"""Nanoseconds for one value that an operator or function looks at."""
BYTES = 64
"""So many bytes of text weigh as much as one value."""
SEARCHED = 20
"""Nanoseconds for one byte of text against one place of a pattern."""
PATTERN = 3_000
"""Nanoseconds to compile one character of a pattern; a class of Unicode's takes what CLASSES says."""

CLASSES: Mapping[str, int] = {"w": 250_000, "p": 250_000, "W": 500_000, "P": 500_000, "d": 60_000, "D": 60_000}
"""Nanoseconds to compile a class of Unicode's, which has thousands of ranges."""

DEEPEST_DATA = 60
"""Levels to which what is read is measured: three times as deep as an event may nest."""

READING = 20_000
"""Nanoseconds for a function of ours, which is asked in Python: a reader takes half of it."""

GROWING = frozenset({"+", "string", "bytes", "dyn"})
"""What gives as much as it was given; every other function and operator gives one small value."""

_CLASS = re.compile(r"\\([wWpPdD])")
_REPEATED = re.compile(r"\{(\d{1,9})?(?:,(\d{1,9})?)?\}")


class TooCostly(ValueError):
    """The guard would take too long, or too much memory."""


class PutOff(TooCostly):
    """It would not, by itself: others have used up what it shares with them."""


class Purse:
    """What guards that are asked one after the other may cost together: whoever comes when it is empty is not asked.

    Those whose cost is known to be small (SMALL_CHANGE) are asked all the same. `within` is a larger one that pays too.
    """

    def __init__(self, left: int = BUDGET, within: "Purse | None" = None) -> None:
        self._all = self._left = left
        self._within = within

    def pay(self, cost: int) -> None:
        """Take as much out; raise PutOff where there is less."""
        if cost > self._left:
            spent = f"with those before it, it may take {_milliseconds(self._all - self._left + cost)}"
            raise PutOff(f"{spent}; at most {_milliseconds(self._all)} are allowed together")
        if self._within is not None:
            self._within.pay(cost)
        self._left -= cost


class Purses:
    """A purse of an event for each customer of a batch, all within that of the batch; every turn of it has new ones.

    Whatever follows from one customer's event, in whatever transaction of the product's, is paid out of one of these.
    """

    def __init__(self, batch: Purse | None = None) -> None:
        self._batch = batch or Purse(BATCH)
        self._by_customer: dict[str, Purse] = {}

    def of(self, customer_id: str) -> Purse:
        """What the guards that are asked about this customer share."""
        if customer_id not in self._by_customer:
            self._by_customer[customer_id] = Purse(EVENT, within=self._batch)
        return self._by_customer[customer_id]


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """No value is larger than this: values in it (bytes among them), elements to go over, what lies inside."""

    weight: int = 1
    length: int = 0
    inside: "Size | None" = None
    fields: "Mapping[str, Size] | None" = None

    def element(self) -> "Size":
        """The largest that going over it, or looking into it, can give."""
        if self.fields is not None:
            return _largest([*self.fields.values(), *(_text(len(name)) for name in self.fields)])
        return self.inside or SMALL

    def field(self, name: str) -> "Size":
        """What `name` leads to; where that is not told apart, the largest of all."""
        return self.fields.get(name, SMALL) if self.fields is not None else self.element()


SMALL = Size()
"""One value that holds nothing: a number, an instant."""

ORDINARY = Size(weight=100, length=50, inside=Size(weight=10, length=10, inside=Size(weight=2)))
"""What a path leads to, as validation takes it to be: up to fifty elements, each up to ten short texts."""
_ROOT = Size(weight=1_000, length=50, inside=ORDINARY)


def expected(tree: Tree) -> int:
    """Nanoseconds that the guard may take for an ordinary customer; raise TooCostly beyond BUDGET."""
    return _bounded(tree, {"customer": _ROOT, "event": _ROOT, "enrollment": _ROOT, "now": SMALL}, 0)


def bound(tree: Tree, context: Mapping[str, Any]) -> int:
    """Nanoseconds that the guard may take over this very context; raise TooCostly beyond BUDGET."""
    meter = _Meter()
    roots = {name: meter.size(value, 0) for name, value in context.items()}
    return _bounded(tree, roots, TAKEN * sum(size.weight for size in roots.values()))


def _bounded(tree: Tree, roots: Mapping[str, Size], taken: int) -> int:
    cost = taken + _cost(tree, roots)[1]
    if cost > BUDGET:
        raise TooCostly(f"it may take {_milliseconds(cost)}; at most {_milliseconds(BUDGET)} are allowed")
    return cost


def _milliseconds(cost: int) -> str:
    return f"{cost // 1_000_000:,} ms" if cost < 10**15 else "days"


class _Meter:
    """Measures data, and gives up where handing it over alone would pass the budget."""

    def __init__(self) -> None:
        self._room = BUDGET // TAKEN

    def size(self, value: Any, depth: int) -> Size:
        self._room -= 1
        if self._room < 0 or depth > DEEPEST_DATA:
            raise TooCostly("it reads more values than a guard may, or deeper ones")
        if isinstance(value, str | bytes):
            return _text(len(value) * 4)
        if isinstance(value, Mapping):
            return self._fields(cast(Mapping[str, Any], value), depth)
        if isinstance(value, list | tuple):
            return _list([self.size(one, depth + 1) for one in cast(Sequence[Any], value)])
        return SMALL

    def _fields(self, value: Mapping[str, Any], depth: int) -> Size:
        fields = {name: self.size(one, depth + 1) for name, one in value.items()}
        weight = sum(size.weight for size in fields.values()) + sum(_text(4 * len(name)).weight for name in fields)
        return Size(weight=1 + weight, length=len(fields), fields=fields)


def _text(length: int) -> Size:
    return SMALL if length < BYTES else Size(weight=1 + length // BYTES)


def _list(parts: Sequence[Size]) -> Size:
    return Size(weight=1 + sum(one.weight for one in parts), length=len(parts), inside=_largest(parts))


def _largest(sizes: Iterable[Size]) -> Size:
    """As large as each of them: the work of one pass, since what lies inside is compared level by level."""
    level = [one for one in sizes if one != SMALL]
    if not level:
        return SMALL
    deeper = [one.element() for one in level if one.inside is not None or one.fields is not None]
    return Size(
        weight=max(one.weight for one in level),
        length=max(one.length for one in level),
        inside=_largest(deeper) if deeper else None,
    )


KnownSizes = Mapping[str, Size]
"""Sizes by the name of a variable."""

Costed = tuple[Size, int]
"""The size of what comes out, and the nanoseconds that it takes."""


def _cost(tree: Tree, known: KnownSizes) -> Costed:
    match tree:
        case Constant():
            return _text(len(tree.text or "") * 4 or tree.length), WORKED
        case Variable():
            return known.get(tree.name, SMALL), WORKED
        case Select():
            return _looked_up(_cost(tree.of, known), (SMALL, 0), tree.name)
        case Index():
            return _looked_up(_cost(tree.of, known), _cost(tree.key, known), None)
        case Collection():
            parts = [_cost(part, known) for part in tree.parts]
            size = _list([one for one, _ in parts])
            return size, _sum(parts) + WORKED + CLONED * size.weight
        case Macro():
            return _gone_over(tree, known)
        case FunctionCall():
            return _called(tree, [_cost(part, known) for part in tree.parts])


def _looked_up(of: Costed, key: Costed, name: str | None) -> Costed:
    found = of[0].element() if name is None else of[0].field(name)
    return found, of[1] + key[1] + WORKED + CLONED * found.weight


def _sum(parts: Sequence[Costed]) -> int:
    return sum(cost for _, cost in parts)


def _gone_over(macro: Macro, known: KnownSizes) -> Costed:
    over, cost = _cost(macro.over, known)
    element = over.element()
    body = [_cost(part, {**known, macro.variable: element}) for part in macro.body]
    cost += over.length * (ROUND + _sum(body) + CLONED * element.weight)
    if macro.name not in ("map", "filter"):
        return SMALL, cost
    kept = body[-1][0] if macro.name == "map" else element
    gathered = Size(weight=1 + over.length * kept.weight, length=over.length, inside=kept)
    # The list that is gathered is copied at each turn.
    return gathered, cost + over.length * gathered.weight * CLONED // 2


def _called(call: FunctionCall, parts: Sequence[Costed]) -> Costed:
    weight = sum(size.weight for size, _ in parts)
    cost = _sum(parts) + WORKED * len(parts) + READ * weight
    if call.name == "matches" and len(call.parts) == 2:
        return SMALL, cost + _matched(parts[0][0], call.parts[1])
    if call.name in OWN:
        return SMALL, cost + READING
    if call.name == "?:":
        return _largest([size for size, _ in parts[1:]]), cost
    if call.name not in GROWING:
        return SMALL, cost
    grown = Size(
        weight=weight + 1,
        length=sum(size.length for size, _ in parts),
        inside=_largest([size.element() for size, _ in parts]),
    )
    return grown, cost + len(parts) * grown.weight * CLONED


def _matched(text: Size, pattern: Tree) -> int:
    """What a regular expression takes: compiled at each call, then held against each byte at each of its places."""
    if not isinstance(pattern, Constant) or pattern.text is None:
        raise TooCostly("the pattern of matches() must be written out as a text")
    repeated = prod(_times(*found) for found in _REPEATED.findall(pattern.text))
    places = (1 + len(pattern.text)) * repeated
    compiled = places * PATTERN + repeated * sum(CLASSES[name] for name in _CLASS.findall(pattern.text))
    return compiled + text.weight * BYTES * places * SEARCHED


def _times(least: str, most: str) -> int:
    return max(int(least or 0), int(most or 0), 1)
