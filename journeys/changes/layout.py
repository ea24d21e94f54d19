"""Where each step of a program stands: its stage, what holds it, its neighbours. A program knows only what is next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from journeys.program.nodes import BranchNode, Node, NodeId, SendNode, SplitNode, StageKey, WaitForNode, WaitNode
from journeys.program.program import Program

Ways = list[tuple[str, NodeId | None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """The place of a step: in `holder` (a step with ways of its own, by the way's name) or in its stage alone.

    `template` is what a send sends.
    """

    stage: StageKey
    verb: type[Node]
    template: str | None
    holder: NodeId | None
    way: str
    before: NodeId | None
    behind: NodeId | None

    @property
    def said(self) -> str:
        """The verb as a marketer writes it."""
        name = self.verb.__name__.removesuffix("Node")
        return "".join(f"_{letter.lower()}" if letter.isupper() else letter for letter in name).strip("_")


def layout(program: Program) -> Mapping[NodeId, Slot]:
    """The slot of every step, in the order written."""
    return _layout(_Same(program))


class _Same:
    """A program as the key of a cache: its digest names it for ever."""

    def __init__(self, program: Program) -> None:
        self.program = program

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and other.program.digest == self.program.digest

    def __hash__(self) -> int:
        return hash(self.program.digest)


@lru_cache(maxsize=64)
def _layout(same: _Same) -> Mapping[NodeId, Slot]:
    program = same.program
    return {
        node: slot
        for key, stage in program.stages.items()
        for node, slot in _chain(program, key, stage.first, None, None, "")
    }


def _chain(
    program: Program, stage: StageKey, first: NodeId | None, end: NodeId | None, holder: NodeId | None, way: str
) -> Iterator[tuple[NodeId, Slot]]:
    """The steps from `first` up to `end`, those that they hold included."""
    before, at = None, first
    while at is not None and at != end:
        node = program.nodes[at]
        behind = node.next if node.next != end else None
        template = node.template if isinstance(node, SendNode) else None
        yield (
            at,
            Slot(stage=stage, verb=type(node), template=template, holder=holder, way=way, before=before, behind=behind),
        )
        for name, target in ways_of(program, node):
            yield from _chain(program, stage, target, node.next, at, name)
        before, at = at, behind


def ways_of(program: Program, node: Node) -> Ways:
    """The ways that lead out of a step beside `next`, each with a name that an edit of the others leaves alone."""
    match node:
        case BranchNode(arms=arms):
            return [(program.guards[one.guard] if one.guard else "else", one.target) for one in arms]
        case SplitNode(variants=variants):
            return [(one.name, one.target) for one in variants if not one.holdout]
        case WaitForNode():
            return [("then", node.then), ("else", node.otherwise)]
        case WaitNode():
            return [("else", node.otherwise)]
        case _:
            return []
