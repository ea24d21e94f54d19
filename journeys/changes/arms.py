"""Whether a step of one version and a step of another stand in the same arm: nobody is led into one they did not take.

An id that was given says which step is which wherever it stands. One that was made of the verb (`trial/wait:2 days`)
may be that of a step in another arm, behind a guard that nobody asked.
"""

from collections.abc import Callable

from journeys.changes.layout import layout, ways_of
from journeys.program.nodes import BranchNode, NodeId
from journeys.program.program import Program

Image = Callable[[NodeId], NodeId | None]
"""The new step that an old one became, None where it is gone."""


def was_given(step: NodeId) -> bool:
    """Whether the author gave a step its id: one that was made names its stage before a stroke."""
    return "/" not in step


def same_arm(old: Program, new: Program, image: Image, one: NodeId, other: NodeId) -> bool:
    """Whether whoever is in the arm of one may be in that of the other: the same arm, all the way up, or none now."""
    was, now = layout(old)[one], layout(new)[other]
    if now.holder is None:
        return True
    if was.holder is None or image(was.holder) != now.holder:
        return False
    within = same_arm(old, new, image, was.holder, now.holder)
    return within and _same_way(old, new, was.holder, was.way, now.holder, now.way)


def _same_way(old: Program, new: Program, holder: NodeId, way: str, other_holder: NodeId, other: str) -> bool:
    """A way that another guard leads to now is the same one, where no other is left; a variant is known by its name."""
    node, twin = old.nodes[holder], new.nodes[other_holder]
    led, leads = ([name for name, _ in ways_of(*one)] for one in ((old, node), (new, twin)))
    if way in leads or other in led or not isinstance(node, BranchNode):
        return way == other
    gone, fresh = [one for one in led if one not in leads], [one for one in leads if one not in led]
    return len(gone) == len(fresh) and gone.index(way) == fresh.index(other)
