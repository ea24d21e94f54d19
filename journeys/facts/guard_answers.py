"""Which guards give no answer: what comes of them is neither true nor false, or they look for something in no list.

It must not know what was seen; that of a guard which was asked says `guard_types`.
"""

from collections.abc import Iterator

from journeys.facts.guard_syntax import FunctionCall, Tree, walk
from journeys.facts.guard_types import Kinds, Mismatch, called, kinds_of

_TRUTH: Kinds = frozenset({"truth"})
_HOLDERS: Kinds = frozenset({"list", "map"})


def unanswered(tree: Tree) -> Iterator[Mismatch]:
    """Every part of a guard that is asked for true or false and gives something else, and each `in` without a list."""
    yield from _no_truths(tree)
    for node in walk(tree):
        if isinstance(node, FunctionCall) and node.name == "in" and not kinds_of(node.parts[1]) & _HOLDERS:
            sentence = f"{called(node.parts[1])} is no list, and nothing is in it; compare with == or contains()"
            yield Mismatch(node=node, sentence=sentence)


def _no_truths(tree: Tree) -> Iterator[Mismatch]:
    match tree:
        case FunctionCall(name="&&" | "||", parts=parts) | FunctionCall(name="?:", parts=(_, *parts)):
            for part in parts:
                yield from _no_truths(part)
        case _ if not kinds_of(tree) & _TRUTH:
            yield Mismatch(node=tree, sentence=f"{called(tree)} is neither true nor false; compare it with something")
        case _:
            pass
