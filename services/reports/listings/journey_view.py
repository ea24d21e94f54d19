"""One journey as its page shows it: how it stands, and how many stand and moved where, on and beside its map."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from journeys.language import step_tree
from journeys.language.definition import Definition
from journeys.program.step_ids import name_steps
from services.definitions.journey_versions import journeys
from services.reports.listings.journey_list import JourneyState, state_of
from store.queries.definitions import journeys as journey_rows
from store.queries.enrollment import live_enrollments
from store.tables.definitions import Journey, JourneyVersion


@dataclass(frozen=True, slots=True, kw_only=True)
class JourneyStanding:
    """A journey, its live version (None: it was never published), and whether its draft says something else."""

    journey: Journey
    version: JourneyVersion | None
    state: JourneyState
    stuck: int
    unpublished: bool

    @property
    def name(self) -> str:
        """As people call it."""
        return self.journey.name or self.journey.key


def standing(session: Session, key: str) -> JourneyStanding:
    """How a journey stands; raise NotFound."""
    journey = journeys.get(session, key)
    live = journey_rows.live_version(session, key)
    stuck = live_enrollments.stuck(session, [key]).get(key, 0)
    return JourneyStanding(
        journey=journey,
        version=live,
        state=state_of(journey, stuck),
        stuck=stuck,
        unpublished=_differs(journey, live),
    )


def _differs(journey: Journey, live: JourneyVersion | None) -> bool:
    if journey.draft is None:
        return False
    return live is None or Definition.model_validate(journey.draft).digest() != live.digest


@dataclass(frozen=True, slots=True, kw_only=True)
class PlaceOfFormer:
    """A place that only a former version has, where somebody stands still; the empty step is resting."""

    stage: str
    step: str
    count: int


def of_former_versions(definition: Definition, counts: Mapping[tuple[str, str], int]) -> Sequence[PlaceOfFormer]:
    """The places of these counts that a map of the definition does not show."""
    steps = set(name_steps(definition).values())
    return [
        PlaceOfFormer(stage=stage, step=step, count=count)
        for (stage, step), count in sorted(counts.items())
        if stage not in definition.stages or (step and step not in steps)
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class StagePlaces:
    """A stage by its key and as people call it, with the ids of its steps in the order written."""

    stage: str
    label: str
    steps: Sequence[str]


def places(definition: Definition) -> Sequence[StagePlaces]:
    """Every place of a journey where somebody can stand, or be led."""
    names = name_steps(definition)
    return [
        StagePlaces(
            stage=key,
            label=stage.label or key,
            steps=[names[id(step)] for _, step in step_tree.steps_of(stage.steps)],
        )
        for key, stage in definition.stages.items()
    ]
