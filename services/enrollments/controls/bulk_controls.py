"""A control asked of many at once: what it will do to each, in sentences, before it is asked; and whom it reaches.

The wake of each has the last word: where somebody has moved on meanwhile, it does or refuses what was asked.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal, get_args

from pydantic import TypeAdapter
from sqlmodel import Session

from journeys.machine.inputs import Halting
from journeys.machine.machine import misplaced
from journeys.program.nodes import NodeId
from journeys.program.program import Program
from journeys.program.step_ids import in_words
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput
from store.queries.enrollment.controls import Destination
from store.queries.listing import live_selection
from store.queries.listing.live_selection import AlikeEnrollments, LiveFilter

_FILTER = TypeAdapter(LiveFilter)

KIND = "control enrollments"

BulkVerb = Literal["pause", "resume", "skip", "move", "exit"]

MOST_CHOSEN = 200
"""Enrollments that are named one by one: a page of a list at its longest. More are meant by a filter."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkRequest:
    """What is asked, and of whom: of those whom the filter finds, of `chosen` alone where some are named.

    `to` is where a move leads.
    """

    verb: BulkVerb
    wanted: LiveFilter
    chosen: Sequence[str] | None = None
    to: Destination | None = None

    def as_json(self) -> dict[str, Any]:
        """As an operation keeps it."""
        wanted = {**asdict(self.wanted), "since": self.wanted.since.isoformat() if self.wanted.since else None}
        return {"journey": self.wanted.journey, "verb": self.verb, "wanted": wanted, "to": self.to,
                "chosen": sorted(self.chosen) if self.chosen is not None else None}  # fmt: skip


def read(kept: Mapping[str, Any]) -> BulkRequest:
    """The request that an operation keeps."""
    return BulkRequest(
        verb=kept["verb"],
        wanted=_FILTER.validate_python(kept["wanted"]),
        chosen=kept["chosen"],
        to=(kept["to"][0], kept["to"][1]) if kept["to"] else None,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What becomes of some who stand alike: in words, and whether anything is asked of them at all."""

    acts: bool
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PlannedEffect:
    """So many to whom the same happens."""

    count: int
    effect: Effect


@dataclass(frozen=True, slots=True, kw_only=True)
class BulkPlan:
    """What a request will do: of how many something is asked, of how many nothing, and each kind in a sentence."""

    acts: int
    rests: int
    effects: Sequence[PlannedEffect]


def plan(session: Session, asked: BulkRequest) -> BulkPlan:
    """What it will do; raise InvalidInput where too many are named, or a move leads nowhere at all."""
    if len(asked.chosen or ()) > MOST_CHOSEN:
        raise InvalidInput(f"choose {MOST_CHOSEN} at most, or everybody whom the filter finds", "chosen")
    found: Counter[Effect] = Counter()
    for one in live_selection.alike(session, asked.wanted, asked.chosen):
        found[effect(journeys.compiled(session, one.digest), asked, one)] += one.size
    effects = sorted(
        (PlannedEffect(count=count, effect=one) for one, count in found.items()),
        key=lambda one: (not one.effect.acts, -one.count, one.effect.told),
    )
    acts = sum(one.count for one in effects if one.effect.acts)
    return BulkPlan(acts=acts, rests=sum(one.count for one in effects) - acts, effects=effects)


def effect(program: Program, asked: BulkRequest, one: AlikeEnrollments) -> Effect:
    """What becomes of those who stand so, by what they run."""
    return _EFFECTS[asked.verb](program, asked, one)


def _pause(_: Program, __: BulkRequest, one: AlikeEnrollments) -> Effect:
    if one.paused_by is not None:
        return Effect(acts=False, told="they are paused already, and stay so")
    return Effect(acts=True, told="they keep their place, and nothing is sent until somebody resumes them")


def _resume(_: Program, __: BulkRequest, one: AlikeEnrollments) -> Effect:
    if one.paused_by is None:
        return Effect(acts=False, told="they are not paused, and go on as before")
    if one.paused_by in get_args(Halting):
        return Effect(acts=False, told=f"they are paused with their {one.paused_by}: resume that")
    return Effect(
        acts=True, told="they go on: first with what they did meanwhile, then with what is overdue, as its step says"
    )


def _skip(program: Program, _: BulkRequest, one: AlikeEnrollments) -> Effect:
    node = program.nodes.get(NodeId(one.step)) if one.step is not None else None
    if node is None:
        return Effect(acts=False, told=f"they rest in {one.stage}, where no step is waited in")
    if node.next is not None:
        return Effect(acts=True, told=f"they leave {_called(one.step)} and go on to {_called(node.next)}")
    final = next((stage.final for key, stage in program.stages.items() if key == one.stage), False)
    end = "their run ends, since the steps run out" if final else f"rest in {one.stage}"
    return Effect(acts=True, told=f"they leave {_called(one.step)} and {end}")


def _exit(_: Program, __: BulkRequest, one: AlikeEnrollments) -> Effect:
    return Effect(acts=True, told="their run ends for good, and mail that has not gone yet is taken back")


def _move(program: Program, asked: BulkRequest, one: AlikeEnrollments) -> Effect:
    stage, step = asked.to or ("", None)
    if misplaced(program, stage, step) is not None:
        return Effect(acts=False, told=f"they are on version {one.version}, which has no such place, and stay")
    at = f" at {_called(step)}" if step is not None else ""
    return Effect(acts=True, told=f"they leave {one.stage} and enter {stage} anew{at}: its mails may go to them again")


def _called(step: str | None) -> str:
    return f"'{in_words(step or '')}'"


_EFFECTS: Mapping[BulkVerb, Callable[[Program, BulkRequest, AlikeEnrollments], Effect]] = {
    "pause": _pause,
    "resume": _resume,
    "skip": _skip,
    "exit": _exit,
    "move": _move,
}
"""What each control does to some who stand alike."""
