"""Enrollments: start one, look at it, pause, resume, skip, exit."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path, Query
from fastapi.concurrency import run_in_threadpool

from api import schemas
from api.deps import Backend, Marketer, Now, Reading, Support, TheBackend, Writing
from api.errors import responses
from journeys.forecast import unless_one_of
from journeys.state import State
from services import enrolling, forecasting, journeys, telling
from services.errors import Refused
from store import customers

router = APIRouter(prefix="/v1", tags=["enrollments"])

EnrollmentId = Annotated[str, Path(description="`enr_…`", max_length=40)]
Limit = Annotated[int, Query(ge=1, le=200)]
Control = Literal["pause", "resume", "skip", "exit"]


@router.post("/journeys/{key}/enrollments", status_code=201, summary="Enroll a customer", responses=responses(404, 409))
def enroll(key: str, body: schemas.EnrollIn, session: Writing, now: Now, caller: Marketer) -> schemas.EnrollmentOut:
    """Start a run by hand. The re-entry rule of the journey holds; a refusal says which."""
    version, program = journeys.live(session, key)
    customer = telling.customer(session, body.customer)
    customers.lock(session, customer.id)
    started = enrolling.enroll(session, version, program, customer, source="api", now=now, data=body.data)
    return schemas.EnrollmentOut.model_validate(started)


@router.get("/enrollments", summary="List enrollments", responses=responses())
def listed(
    session: Reading,
    caller: Support,
    journey: str | None = None,
    stage: str | None = None,
    step: str | None = None,
    status: Literal["live", "ended"] | None = None,
    cursor: str | None = None,
    limit: Limit = 50,
) -> schemas.Page[schemas.EnrollmentOut]:
    """In the order in which they were made."""
    rows = telling.enrollments(
        session, journey=journey, stage=stage, step=step, status=status, after=cursor, limit=limit
    )
    items = [schemas.EnrollmentOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=rows[-1].id if len(rows) == limit else None)


@router.get("/enrollments/{id}", summary="One enrollment", responses=responses(404))
def get(id: EnrollmentId, session: Reading, caller: Support) -> schemas.EnrollmentOut:
    """Where it stands, from the database, for ever."""
    return schemas.EnrollmentOut.model_validate(telling.enrollment(session, id))


@router.get("/enrollments/{id}/forecast", summary="What comes next", responses=responses(404, 409, 503))
async def forecast(id: EnrollmentId, parts: TheBackend, caller: Support) -> schemas.Forecast:
    """The next actions with their local times, if nothing happens, and what would change each."""
    workflow_id = await run_in_threadpool(_workflow_id, parts, id)
    state = await (await parts.gateway()).state(workflow_id)
    return await run_in_threadpool(_forecast, parts, id, state)


def _forecast(parts: Backend, id: str, state: State) -> schemas.Forecast:
    with parts.database.reading() as session:
        enrollment = telling.enrollment(session, id)
        actions = forecasting.next_actions(session, enrollment, state, parts.clock())
        shown = [
            schemas.ActionOut(
                at=one.at,
                local=forecasting.local(session, enrollment, one.at),
                what=one.what,
                stage=one.stage,
                step=one.step,
                detail=dict(one.detail),
                unless=list(one.unless),
            )
            for one in actions
        ]
        unless = list(unless_one_of(journeys.compiled(session, enrollment.digest), state.stage, state.position))
    return schemas.Forecast(
        enrollment=enrollment.id, journey=enrollment.journey, stage=state.stage, step=state.position,
        paused=state.paused, actions=shown, unless=unless,
    )  # fmt: skip


@router.post("/enrollments/{id}/{control}", summary="Pause, resume, skip or exit", responses=responses(404, 409, 503))
async def control(
    id: EnrollmentId, control: Control, parts: TheBackend, caller: Support, body: schemas.ControlIn | None = None
) -> schemas.EnrollmentOut:
    """Answers when it is done. A refusal is a 409 with the reason.

    pause: it keeps its place. resume: overdue steps follow their `late` policy. skip: go on behind the step that is
    waited in. exit: end the enrollment.
    """
    workflow_id = await run_in_threadpool(_workflow_id, parts, id)
    gateway = await parts.gateway()
    await gateway.control(workflow_id, control, body.reason if body else "")
    return await run_in_threadpool(_shown, parts, id)


def _workflow_id(parts: Backend, id: str) -> str:
    with parts.database.reading() as session:
        enrollment = telling.enrollment(session, id)
    if enrollment.status == "ended":
        raise Refused(f"the enrollment has ended ({enrollment.reason})")
    return enrollment.workflow_id


def _shown(parts: Backend, id: str) -> schemas.EnrollmentOut:
    with parts.database.reading() as session:
        return schemas.EnrollmentOut.model_validate(telling.enrollment(session, id))
