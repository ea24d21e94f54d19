"""For operators: alive, ready, and in numbers."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import PlainTextResponse
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest
from sqlalchemy import text

from api.deps.backend import TheBackend
from api.deps.transactions import Reading
from api.schemas.health import Health
from workflows.gateway import TemporalUnavailable

router = APIRouter(tags=["operators"])


@router.get("/healthz", summary="Alive")
def healthz() -> Health:
    """The process answers."""
    return Health(status="ok")


@router.get("/readyz", summary="Ready", responses={503: {"model": Health, "description": "A part is missing"}})
async def readyz(session: Reading, parts: TheBackend, response: Response) -> Health:
    """The database and Temporal answer too."""
    session.connection().execute(text("SELECT 1"))
    try:
        temporal = await (await parts.gateway()).healthy()
    except TemporalUnavailable:
        temporal = False
    response.status_code = 200 if temporal else 503
    return Health(status="ok" if temporal else "degraded", temporal=temporal)


@router.get("/metrics", summary="In numbers", response_class=PlainTextResponse)
def metrics(request: Request) -> Response:
    """For Prometheus: requests, and what waits in the database. Nothing personal; keep it inside your network."""
    return Response(generate_latest(request.app.state.metrics.registry), media_type=CONTENT_TYPE_LATEST)
