"""The steps that lie before somebody in their stage and that only the new version has."""

from collections.abc import Iterator, Mapping, Sequence

from journeys.changes.layout import ways_of
from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import SentMail
from journeys.machine.state import State
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program


def new_sends_ahead(
    old: Program, new: Program, mapping: VersionMapping, moved: State, sent: Sequence[SentMail]
) -> Mapping[NodeId, SentMail]:
    """The sends ahead, by id, that no old step became, and whose template was sent already; with the mail it repeats.

    What an old step with that template became is the same step: it sends once in a visit, whatever its version.
    """
    known = {other for one, (other, _) in mapping.steps.items() if _template(old, one) == _template(new, other)}
    found: dict[NodeId, SentMail] = {}
    for step in _ahead(new, NodeId(moved.position) if moved.position else None, set()):
        node = new.nodes[step]
        mails = [one for one in sent if isinstance(node, SendNode) and one.template == node.template]
        if mails and step not in known:
            found[step] = max(mails, key=lambda one: one.at)
    return found


def _template(program: Program, step: NodeId) -> str | None:
    node = program.nodes[step]
    return node.template if isinstance(node, SendNode) else None


def _ahead(program: Program, step: NodeId | None, seen: set[NodeId]) -> Iterator[NodeId]:
    """Every step that can come from this one on within its stage, itself included, in the order written."""
    if step is None or step in seen:
        return
    seen.add(step)
    yield step
    node = program.nodes[step]
    for _, target in ways_of(program, node):
        yield from _ahead(program, target, seen)
    yield from _ahead(program, node.next, seen)
