"""Splits: an experiment is closed with a winner."""

from typing import Annotated

from fastapi import APIRouter, Path

from api.deps.permission import Marketer
from api.deps.transactions import Now, Writing
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.routes.journeys import JourneyKey
from api.schemas.experiments import ExperimentOut, SplitWinnerIn
from services.definitions.journey_versions import journeys
from services.experiments import deciding, results

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=IdempotentRoute)

SplitId = Annotated[str, Path(description="the id that the journey gives the split", max_length=63)]


@router.post("/{key}/splits/{split}/winner", summary="Decide a split", responses=responses(404, 409, 422))
def decide(
    key: JourneyKey, split: SplitId, session: Writing, now: Now, caller: Marketer, body: SplitWinnerIn
) -> ExperimentOut:
    """Close the experiment: whoever comes to the split from now on takes the winner, for good.

    Those who are inside a variant stay on their way. Another winner later on is `winner:` in the definition.
    """
    _, program = journeys.live(session, key)
    deciding.decide(session, program, split, body.winner, caller.id, now)
    session.flush()
    found = {one["split"]: one for one in results.of_program(session, program)}
    return ExperimentOut.model_validate(found[split])
