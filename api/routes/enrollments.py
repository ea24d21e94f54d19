"""Enrollments: start one, look at it, pause, resume, skip, move, exit."""

import hashlib
from typing import Annotated, Literal

from fastapi import APIRouter, Path, Request, Response

from api.deps.audit_trail import TheTrail
from api.deps.backend import TheBackend
from api.deps.of_customer import OfCustomer
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, TheAnsweredWork, Writing
from api.edge import controls
from api.edge.controls import AskedControl, WantedControl
from api.edge.idempotency import HEADER, IdempotentRoute
from api.edge.shown_operations import operation_out
from api.errors import ApiError, responses
from api.schemas.base import Page
from api.schemas.enrollments import ActionOut, ControlIn, EnrollIn, EnrollmentOut, Forecast, MoveIn
from api.schemas.operations import OperationOut
from journeys.machine.woken import restored
from journeys.simulation.forecast import unless_one_of
from services import values
from services.access.keys import api_keys
from services.customers.audiences import segments
from services.definitions.journey_versions import journeys
from services.enrollments.entering import entry
from services.enrollments.entering.entry import Admission
from services.enrollments.forecast import enrollment_forecast
from services.errors import InvalidInput
from services.operations import operations
from services.reports.customer import customer_view
from store.queries.audiences import segments as segment_rows
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.queries.listing import lists
from store.statuses import EnrollmentStatus
from store.tables.access import ApiKey

router = APIRouter(prefix="/v1", tags=["enrollments"], route_class=IdempotentRoute)

EnrollmentId = Annotated[str, Path(description="`enr_…`", max_length=40)]
ControlVerb = Literal["pause", "resume", "skip", "exit"]


@router.post(
    "/journeys/{key}/enrollments",
    status_code=201,
    summary="Enroll a customer, or a segment",
    responses=responses(404, 409, 422) | {202: {"model": OperationOut, "description": "A segment: an operation"}},
)
def enroll(
    key: str,
    body: EnrollIn,
    session: Writing,
    now: Now,
    caller: Marketer,
    response: Response,
    trail: TheTrail,
) -> EnrollmentOut | OperationOut:
    """Start a run by hand. The re-entry rule of the journey holds; a refusal says which.

    A segment is an operation (202); a file is imported with `POST /v1/imports?kind=enrollments`.
    """
    version, program = journeys.live(session, key)
    if body.segment is not None:
        segments.get(session, body.segment)
        request = {"journey": key, "segment": body.segment, "data": body.data}
        total = segment_rows.size(session, body.segment)
        response.status_code = 202
        shown = operation_out(operations.start(session, "enroll", request, now, by=caller.id, total=total), now)
        trail.note("enrolled", "segment", body.segment, after=shown)
        return shown
    values.check_values({"data": body.data})
    customer = customer_view.customer(session, body.customer or "")
    customers.lock(session, customer.id)
    last = enrollments.last_run(session, key, customer.id)
    before = EnrollmentOut.model_validate(last) if last is not None else None
    started = entry.enroll(session, version, program, customer, Admission(source="api", data=body.data), now)
    after = EnrollmentOut.model_validate(started)
    trail.note("enrolled", "enrollment", started.id, before, after)
    return after


@router.get("/enrollments", summary="List enrollments", responses=responses(404, 422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    customer: OfCustomer,
    journey: str | None = None,
    stage: str | None = None,
    step: str | None = None,
    status: EnrollmentStatus | None = None,
    stuck: bool = False,
    sort: Literal["entered", "-entered"] = "entered",
) -> Page[EnrollmentOut]:
    """In the order in which they were made. `stuck=true` are those whose every wake ends in an error."""
    rows, cursor = lists.enrollments(
        session,
        page.slice(sort),
        journey=journey,
        stage=stage,
        step=step,
        status=status,
        customer_id=customer,
        stuck=stuck,
    )
    return Page(items=[EnrollmentOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/enrollments/{id}", summary="One enrollment", responses=responses(404))
def get(id: EnrollmentId, session: Reading, caller: Support) -> EnrollmentOut:
    """Where it stands, from the database, for ever."""
    return EnrollmentOut.model_validate(customer_view.enrollment(session, id))


@router.get("/enrollments/{id}/forecast", summary="What comes next", responses=responses(404))
def forecast(id: EnrollmentId, session: Reading, now: Now, caller: Support) -> Forecast:
    """The next actions with their local times, if nothing happens, and what would change each."""
    enrollment = customer_view.enrollment(session, id)
    state = restored(enrollment.state)
    shown = [
        ActionOut(
            at=one.at,
            local=enrollment_forecast.local(session, enrollment, one.at),
            what=one.what,
            stage=one.stage,
            step=one.step,
            detail=dict(one.detail),
            unless=list(one.unless),
        )
        for one in enrollment_forecast.next_actions(session, enrollment, state, now)
    ]
    stage = state.stage or enrollment.stage
    unless = list(unless_one_of(journeys.compiled(session, enrollment.digest), stage, state.position))
    return Forecast(
        enrollment=enrollment.id, journey=enrollment.journey, stage=stage, step=state.position,
        paused=state.paused, actions=shown, unless=unless,
    )  # fmt: skip


@router.post("/enrollments/{id}/move", summary="Move to a stage, at a step", responses=responses(404, 409, 422, 503))
async def move(
    id: EnrollmentId, body: MoveIn, request: Request, parts: TheBackend, caller: Support, answered: TheAnsweredWork
) -> EnrollmentOut:
    """Answers when it is done. The stage is entered as by `go`, with a new visit: its mails may go again.

    Mail of the stage that is left and has not gone yet is taken back. One that is paused stays so.
    """
    wanted = WantedControl(verb="move", said=body.reason, to=(body.stage, body.step), once=_once(request, caller.id))
    done = await controls.ask_and_wait(parts, id, caller.id, wanted, answered.shown_as(_stands))
    return EnrollmentOut.model_validate(done)


@router.post("/enrollments/{id}/retry", summary="Try again what is stuck", responses=responses(404, 409))
def retry(id: EnrollmentId, parts: TheBackend, caller: Support, answered: TheAnsweredWork) -> EnrollmentOut:
    """At once; for one whose every wake ends in an error. It is given up by `exit`. A refusal says the error."""
    write = answered.shown_as(EnrollmentOut.model_validate)
    return EnrollmentOut.model_validate(controls.try_again(parts, id, caller.id, write))


@router.post(
    "/enrollments/{id}/{control}", summary="Pause, resume, skip or exit", responses=responses(404, 409, 422, 503)
)
async def control(
    id: EnrollmentId,
    control: ControlVerb,
    request: Request,
    parts: TheBackend,
    caller: Support,
    answered: TheAnsweredWork,
    body: ControlIn | None = None,
) -> EnrollmentOut:
    """Answers when it is done. A refusal is a 409 with the reason.

    pause: it keeps its place. resume: overdue steps follow `late`, else their own policy. skip: go on behind the step
    that is waited in; with `past_hours` the mail behind it goes past quiet hours, its send window and caps, and past
    nothing else. exit: end the enrollment.
    """
    asked = body or ControlIn()
    if asked.late is not None and control != "resume":
        raise InvalidInput("only a resume says what becomes of what is overdue", "late")
    if asked.past_hours:
        _check_past(control, asked.reason, caller)
    wanted = WantedControl(
        verb=control, said=asked.reason, late=asked.late, once=_once(request, caller.id), past=asked.past_hours
    )
    done = await controls.ask_and_wait(parts, id, caller.id, wanted, answered.shown_as(_stands))
    return EnrollmentOut.model_validate(done)


def _stands(asked: AskedControl) -> EnrollmentOut | None:
    """The answer, where everything was done in the transaction that asked; else a repeat finds what was asked."""
    return EnrollmentOut.model_validate(asked.stands) if asked.stands is not None else None


def _check_past(control: str, reason: str, caller: ApiKey) -> None:
    if control != "skip":
        raise InvalidInput("only a skip lets the mail behind it past hours and caps", "past_hours")
    if not api_keys.allows(caller, "marketer"):
        raise ApiError("forbidden", "a marketer lets a mail past quiet hours and caps")
    if not reason.strip():
        raise InvalidInput("say why it may not wait for its hour", "reason")


def _once(request: Request, caller: str) -> str | None:
    """A repeat with the same Idempotency-Key is the same control, even if its first answer was lost."""
    key = request.headers.get(HEADER)
    return hashlib.sha256(f"{caller}\0{request.url.path}\0{key}".encode()).hexdigest() if key else None
