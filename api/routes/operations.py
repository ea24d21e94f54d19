"""Long work: how far it is, what came of it, and a way to stop it."""

import asyncio
from collections.abc import AsyncIterator
from datetime import datetime
from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Path, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.sse import EventSourceResponse, ServerSentEvent
from sqlmodel import Session

from api.deps.audit_trail import TheTrail, Trail
from api.deps.backend import Backend, TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, TheAnsweredWork, Writing
from api.edge import operation_controls, operation_errors
from api.edge.heavy_work import TheHeavyWork
from api.edge.idempotency import IdempotentRoute
from api.edge.operation_errors import Csv
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.schemas.base import Page
from api.schemas.operations import (
    MadeUpCustomer,
    OperationErrorOut,
    OperationKind,
    OperationOut,
    Simulated,
    SimulateIn,
)
from journeys.simulation import paths
from services import values
from services.changes.publication import trying
from services.changes.publication.trying import TrialCustomer
from services.definitions.journey_versions import journeys
from services.operations import operations
from services.simulation import made_up
from store.queries.listing import lists
from store.statuses import OPERATION_LIVE, OperationStatus

router = APIRouter(prefix="/v1", tags=["operations"], route_class=IdempotentRoute)

OperationId = Annotated[str, Path(description="`op_…`", max_length=40)]

LOOK_EVERY = 0.5
"""Seconds between two looks at an operation that is watched."""


@router.post(
    "/journeys/{key}/simulate",
    status_code=202,
    summary="Replay recorded events, or follow a made-up customer",
    responses=responses(404, 409, 422) | {200: {"model": Simulated, "description": "A made-up customer: their path"}},
)
async def simulate(
    key: str,
    request: Request,
    parts: TheBackend,
    caller: Marketer,
    heavy: TheHeavyWork,
    response: Response,
    answered: TheAnsweredWork,
    body: SimulateIn | None = None,
) -> OperationOut | Simulated:
    """Put everybody's recorded events through the draft (or a version) of a journey, without sending anything.

    The answer is an operation to watch; its result holds stages, movements, mails, and what would be skipped and why.
    With `customer`, one made-up customer goes through it at once: the answer (200) is each step of the way, with every
    guard and the values it saw.
    """
    asked = body or SimulateIn()
    if asked.customer is not None:
        customer = asked.customer
        response.status_code = 200
        return await heavy.run(lambda: _followed(parts, key, asked.version, customer))
    return await run_in_threadpool(answered.write, partial(_start, request, key, asked, parts.clock(), caller.id))


def _start(request: Request, key: str, asked: SimulateIn, now: datetime, by: str, session: Session) -> OperationOut:
    for name, value in (("from", asked.begin), ("until", asked.until)):
        if value is not None:
            values.instant(value, name)
    journeys.draft_or(session, key, asked.version)
    wanted = {"journey": key, "version": asked.version, "from": asked.begin, "until": asked.until}
    shown = operation_out(operations.start(session, "simulate", wanted, now, by=by), now)
    Trail(request, session, now).note("simulated", "journey", key, after=shown)
    return shown


def _followed(parts: Backend, key: str, version: int | None, wanted: MadeUpCustomer) -> Simulated:
    """The path of somebody made up; nothing is stored, and nobody is written to."""
    with parts.database.reading() as session:
        around = trying.load(session, journeys.draft_or(session, key, version))
    begin = values.instant(wanted.start, "start") if wanted.start else parts.clock()
    happens = [(made_up.later(begin, one.after, "events"), one.name, one.properties) for one in wanted.events]
    customer = TrialCustomer(
        begin=begin, attributes=wanted.attributes, events=happens, variants=wanted.variants, days=wanted.days
    )
    return Simulated.model_validate({"enrollments": [paths.as_json(one) for one in trying.follow(around, customer)]})


@router.get("/operations", summary="List operations", responses=responses(422))
def listed(
    session: Reading,
    now: Now,
    caller: Support,
    page: ThePage,
    kind: OperationKind | None = None,
    status: OperationStatus | None = None,
    sort: Literal["created", "-created"] = "-created",
) -> Page[OperationOut]:
    """The newest first."""
    rows, cursor = lists.operations(session, page.slice(sort), kind=kind, status=status)
    return Page(items=[operation_out(row, now) for row in rows], cursor=cursor)


@router.get("/operations/{id}", summary="How far an operation is", responses=responses(404))
def get(id: OperationId, session: Reading, now: Now, caller: Support) -> OperationOut:
    """Done, total, rate, the time left, and the result at the end."""
    return operation_out(operations.get(session, id), now)


@router.get("/operations/{id}/errors", summary="Lines that were not taken", responses=responses(404, 422))
def errors(id: OperationId, session: Reading, caller: Support, page: ThePage) -> Page[OperationErrorOut]:
    """By line, with the reason; the first 10,000 are kept."""
    operations.get(session, id)
    rows, cursor = lists.operation_errors(session, page.slice(), id)
    return Page(items=[OperationErrorOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/operations/{id}/errors.csv", summary="The same as a file", response_class=Csv, responses=responses(404))
def errors_file(id: OperationId, session: Reading, caller: Support) -> Response:
    """`line,reason`, to be opened beside the file that was imported."""
    return operation_errors.errors_file(session, id)


def _look(id: OperationId, parts: TheBackend) -> OperationOut:
    with parts.database.reading() as session:
        return operation_out(operations.get(session, id), parts.clock())


WatchedOperation = Annotated[OperationOut, Depends(_look)]
"""The operation, looked at before the first event is promised: one that does not exist is a 404."""


@router.get(
    "/operations/{id}/watch",
    summary="Watch an operation",
    response_class=EventSourceResponse,
    responses=responses(404),
)
async def watch(
    id: OperationId, parts: TheBackend, caller: Support, known: WatchedOperation
) -> AsyncIterator[ServerSentEvent]:
    """Server-sent events: `progress` with the operation each time it has changed, `end` with the last one."""
    last: OperationOut | None = None
    while True:
        shown = await run_in_threadpool(_look, id, parts)
        ended = shown.status not in OPERATION_LIVE
        if last is None or ended or (shown.done, shown.note, shown.status) != (last.done, last.note, last.status):
            yield ServerSentEvent(data=shown, event="end" if ended else "progress")
        if ended:
            return
        last = shown
        await asyncio.sleep(LOOK_EVERY)


@router.post("/operations/{id}/pause", summary="Let an operation wait", responses=responses(404, 409))
def pause(id: OperationId, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> OperationOut:
    """It waits behind its present page, also where its worker dies meanwhile. An erasure cannot be paused."""
    return operation_controls.control(session, trail, id, "pause", now)


@router.post("/operations/{id}/resume", summary="Let it go on", responses=responses(404, 409))
def resume(id: OperationId, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> OperationOut:
    """It goes on where it stopped."""
    return operation_controls.control(session, trail, id, "resume", now)


@router.post("/operations/{id}/cancel", summary="Stop an operation", responses=responses(404, 409))
def cancel(id: OperationId, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> OperationOut:
    """It stops soon; what was done stays done."""
    return operation_controls.control(session, trail, id, "cancel", now)
