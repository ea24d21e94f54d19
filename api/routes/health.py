"""For operators: alive, ready, and in numbers."""

import asyncio
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Depends, Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy.exc import DBAPIError

from api.deps.backend import Backend, TheBackend
from api.deps.sign_in import colleague
from api.errors import responses
from api.schemas.health import Health, PartOut
from services.reports.health import readiness
from services.reports.health.readiness import PartReadiness
from store.queries.sending import holds
from workflows.gateway import TemporalUnavailable

ANSWERS_WITHIN = 4.0
"""Seconds within which Temporal says that it serves: it takes milliseconds, and who asks for readiness often waits for
five seconds."""

router = APIRouter(tags=["operators"])


@router.get("/healthz", summary="Alive")
def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Ready", responses={503: {"model": Health, "description": "A part is missing"}})
async def readyz(parts: TheBackend, response: Response) -> Health:
    """The database takes writes, Temporal answers, and each part of a worker did a round within ten seconds."""
    found = await run_in_threadpool(_measured, parts)
    temporal = await _answers(parts)
    room = await run_in_threadpool(parts.has_room)
    works = found is not None and all(one.works for one in found.parts)
    ready = works and temporal and room
    response.status_code = 200 if ready else 503
    return Health(
        status="ok" if ready else "degraded",
        database=found is not None,
        temporal=temporal,
        room=room,
        held=found.held if found is not None else None,
        parts=[PartOut.model_validate(one) for one in found.parts] if found is not None else [],
    )


async def _answers(parts: Backend) -> bool:
    """Whether Temporal serves; one that takes calls and answers none does not."""
    try:
        async with asyncio.timeout(ANSWERS_WITHIN):
            return await (await parts.gateway()).healthy()
    except (TemporalUnavailable, TimeoutError):
        return False


@dataclass(frozen=True, slots=True, kw_only=True)
class _Measured:
    """Every part, and since when all lanes are held."""

    parts: list[PartReadiness]
    held: datetime | None


def _measured(parts: Backend) -> _Measured | None:
    """None where the database does not answer."""
    try:
        with parts.database.reading() as session:
            hold = holds.current(session)
            found = readiness.measure(session, parts.clock())
            return _Measured(parts=found, held=hold.since if hold is not None else None)
    except DBAPIError:
        return None


@router.get(
    "/metrics",
    summary="In numbers",
    response_class=PlainTextResponse,
    dependencies=[Depends(colleague)],
    responses=responses(),
)
def metrics(request: Request) -> Response:
    """For Prometheus: requests, and what waits in the database; nothing personal. It asks for a key of support."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
