"""The answer to `Assign`: which variant of a split a customer gets. The same pure function for all who run the core.

- A split that is decided gives everybody its winner: what the definition says, else what was put on record.
- Who was assigned before keeps the variant, whatever became of the weights; where it is gone they get no other.
- All others get theirs by weight (`program.assignment`).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from journeys.machine.commands import Assign
from journeys.machine.inputs import Assigned
from journeys.program.assignment import variant_of
from journeys.program.nodes import NodeId, SplitNode
from journeys.program.program import Program


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownSplits:
    """The splits of one journey, by id: the variants that a customer has, and the winners of those that are decided."""

    given: Mapping[str, str] = field(default_factory=dict[str, str])
    winners: Mapping[str, str] = field(default_factory=dict[str, str])


NO_SPLITS = KnownSplits()
"""A customer who has come to no split yet, in a journey where none is decided."""


def assigned(program: Program, asked: Assign, known: KnownSplits) -> Assigned:
    """The variant, and why this one."""
    node = program.nodes[NodeId(asked.step)]
    assert isinstance(node, SplitNode)
    names = {one.name for one in node.variants}
    winner, given = node.winner or known.winners.get(node.key), known.given.get(node.key)
    if winner is not None and winner in names:
        return Assigned(number=asked.number, variant=winner, why="winner")
    if given is None:
        chosen = variant_of(asked.customer, program.journey, node.key, node.variants)
        return Assigned(number=asked.number, variant=chosen.name)
    return Assigned(number=asked.number, variant=given, why="remembered" if given in names else "gone")


def has_splits(program: Program) -> bool:
    """Whether anybody can come to a split in it."""
    return any(isinstance(node, SplitNode) for node in program.nodes.values())


def decided(program: Program, winners: Mapping[str, str]) -> Program:
    """The program in which the splits of these ids are decided, where its own definition does not decide them."""
    if not winners:
        return program
    nodes = {
        name: replace(node, winner=node.winner or winners.get(node.key)) if isinstance(node, SplitNode) else node
        for name, node in program.nodes.items()
    }
    return replace(program, nodes=nodes)
