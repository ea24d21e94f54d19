"""The steps that lie before somebody in their stage and that only the new version has."""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache

from journeys.changes.layout import ways_of
from journeys.changes.mapping import VersionMapping
from journeys.changes.outcomes import SentMail, Standing
from journeys.machine.state import State
from journeys.program.nodes import NodeId, SendNode
from journeys.program.program import Program


def new_sends_ahead(mapping: VersionMapping, moved: State, standing: Standing) -> Mapping[NodeId, SentMail]:
    """The sends ahead, by id, that no old step became, and whose template was sent already; with the mail it repeats.

    What an old step with that template became is the same step: it sends once in a visit, whatever its version. So does
    one of a still older version, whose mail is in the ledger.
    """
    ahead = _new_ahead(mapping, moved.position) if standing.sent else ()
    found: dict[NodeId, SentMail] = {}
    for step, template in ahead:
        mails = [one for one in standing.sent if one.template == template]
        if mails and (step, moved.visit) not in standing.in_ledger:
            found[step] = max(mails, key=lambda one: one.at)
    return found


def is_done_ahead(mapping: VersionMapping, standing: Standing, moved: State) -> bool:
    """Whether a send ahead in this visit, of either version, is in the ledger: somebody was led back before it."""
    done = {step for step, visit in standing.in_ledger if visit == standing.state.visit}
    return bool(done) and not done.isdisjoint(_sends_ahead(mapping, standing.state.position, moved.position))


@lru_cache(maxsize=4_096)
def _sends_ahead(mapping: VersionMapping, position: str | None, moved: str | None) -> frozenset[NodeId]:
    found: set[NodeId] = set()
    for program, at in ((mapping.old, position), (mapping.new, moved)):
        found.update(_ahead(program, NodeId(at) if at else None, set()))
    return frozenset(found)


@lru_cache(maxsize=4_096)
def _new_ahead(mapping: VersionMapping, position: str | None) -> Sequence[tuple[NodeId, str]]:
    fresh = _new_sends(mapping)
    ahead = _ahead(mapping.new, NodeId(position) if position else None, set())
    return [(step, fresh[step]) for step in ahead if step in fresh]


def new_templates(mapping: VersionMapping) -> frozenset[str]:
    """The templates of all sends that no old step became: mails of others are never repeated."""
    return frozenset(_new_sends(mapping).values())


@lru_cache(maxsize=64)
def _new_sends(mapping: VersionMapping) -> Mapping[NodeId, str]:
    """The sends that no old step with their template became, with their templates."""
    old, new = mapping.old, mapping.new
    known = {other for one, (other, _) in mapping.steps.items() if _template(old, one) == _template(new, other)}
    templates = {step: _template(new, step) for step in new.nodes}
    return {step: template for step, template in templates.items() if template is not None and step not in known}


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
