"""What the pictures of reports show, taken out of the reports: counts by day, flows between stages, and a sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlmodel import Session

from journeys.program import compiler
from services.definitions.journey_versions import journeys as definitions
from services.errors import NotFound
from services.experiments import results
from store.queries.definitions import journeys
from store.queries.figures import counts

ENDED = "ended"
"""Where a flow leads whose run has ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StageSeries:
    """How many stood in each stage when each period closed, by its last day; the stages in the journey's order."""

    periods: Mapping[date, Mapping[str, int]]
    order: Sequence[str]
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class StageFlows:
    """How many moved from one stage to another, from "" who entered and to `ended` who left."""

    flows: Mapping[tuple[str, str], int]
    order: Sequence[str]
    told: str


def stage_series(found: Mapping[str, Any]) -> StageSeries:
    """The series of a report on the lifecycle."""
    those = found["series"]["periods"]
    standing = {stage for one in those for stage in one["stages"]}
    order = [one["stage"] for one in found["places"]]
    order += sorted(standing - {*order})
    return StageSeries(
        periods={one["to"]: one["stages"] for one in those}, order=order, told=found["series"]["told"]
    )  # fmt: skip


def stage_flows(session: Session, found: Mapping[str, Any]) -> StageFlows:
    """The movements of a report on the lifecycle, since the journey began, with those whose run has ended."""
    flows: Counter[tuple[str, str]] = Counter()
    for way, count in found["movements"].items():
        source, _, target = way.partition("->")
        flows[source, target] += count
    flows.update(_ended(session, found, flows))
    order = [one["stage"] for one in found["places"]]
    entered = sum(count for (source, _), count in flows.items() if not source)
    moved = sum(count for (source, target), count in flows.items() if source and target != ENDED)
    told = f"{entered:,} entered {found['journey']}, and customers moved {moved:,} times."
    return StageFlows(flows=flows, order=order, told=told if flows else f"Nobody has entered {found['journey']} yet.")


def _ended(
    session: Session, found: Mapping[str, Any], flows: Mapping[tuple[str, str], int]
) -> dict[tuple[str, str], int]:
    """Who left each stage for good: who came, less who moved on and who is there still."""
    there = counts.stages(session, found["journey"])
    stages = {stage for way in flows for stage in way if stage}
    left: dict[tuple[str, str], int] = {}
    for stage in sorted(stages):
        came = sum(count for (_, target), count in flows.items() if target == stage)
        moved_on = sum(count for (source, _), count in flows.items() if source == stage)
        left[stage, ENDED] = max(0, came - moved_on - there.get(stage, 0))
    return left


def experiment(session: Session, key: str, split: str | None) -> Mapping[str, Any]:
    """What became of a split of the live version (None: of its first); raise NotFound."""
    definitions.get(session, key)
    live = journeys.live_version(session, key)
    found = results.of_program(session, compiler.load(live.canonical)) if live else []
    chosen = next((one for one in found if split in (None, one["split"])), None)
    if chosen is None:
        raise NotFound(f"the journey {key!r} has no split {split!r}" if split else f"the journey {key!r} has no split")
    return chosen
