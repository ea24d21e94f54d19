"""The places of a journey by the names that people use, so that support can lead an enrollment there."""

from sqlmodel import Session

from journeys.language.problems import nearest
from journeys.machine.machine import misplaced
from journeys.program.nodes import StageKey
from services.definitions.journey_versions import journeys
from services.errors import InvalidInput
from store.queries.enrollment.controls import Destination
from store.tables.enrollments import Enrollment


def place_named(session: Session, enrollment: Enrollment, stage: str, step: str | None) -> Destination:
    """A place in the version that an enrollment is on; a step is named by its id, or as it is called within its stage.

    Raises InvalidInput where there is no such place, with the nearest name.
    """
    program = journeys.compiled(session, enrollment.digest)
    if misplaced(program, stage, None) is not None:
        raise InvalidInput(f"there is no stage {stage!r}; expected {nearest(stage, list(program.stages))}", "stage")
    if step is None:
        return stage, None
    known = program.steps_of(StageKey(stage))
    found = next((one for one in (step, f"{stage}/{step}") if one in known), None)
    if found is None:
        message = f"the stage {stage!r} has no step {step!r}; expected {nearest(step, sorted(known))}"
        raise InvalidInput(message, "step")
    return stage, found
