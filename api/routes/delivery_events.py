"""What mail providers report. Signed by them; no key of ours."""

from collections.abc import Sequence
from typing import Annotated

from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.concurrency import run_in_threadpool

from api.deps.backend import Backend, TheBackend
from api.errors import content
from api.schemas.delivery_events import Reported
from mail.providers.events import BadReport, BadSignature, Feedback
from services.errors import InvalidInput
from services.feedback import delivery_events

router = APIRouter(prefix="/webhooks", tags=["providers"])

Provider = Annotated[str, Path(description="the provider", examples=["sendgrid"], pattern=r"^[a-z]{1,32}$")]


@router.post(
    "/{provider}",
    summary="Take a provider's report",
    responses={
        403: {"description": "Not signed by the provider", "content": content("forbidden")},
        404: {"description": "No such provider is set up", "content": content("not-found")},
        422: {"description": "Not readable", "content": content("invalid-input")},
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {"type": "array", "items": {"type": "object"}},
                    "example": [{"event": "delivered", "send_id": "2161b3b7-…", "timestamp": 1700000000}],
                }
            },
        }
    },
)
async def take(provider: Provider, request: Request, parts: TheBackend) -> Reported:
    """Deliveries, bounces, opens, clicks, complaints: kept once, in whatever order and however often they come."""
    receiver = parts.receivers().get(provider)
    if receiver is None:
        raise HTTPException(404, f"no provider {provider!r} reports here; set its verification key first")
    try:
        reports = receiver(await request.body(), {name.lower(): value for name, value in request.headers.items()})
    except BadSignature as bad:
        raise HTTPException(403, str(bad)) from None
    except BadReport as bad:
        raise InvalidInput(str(bad)) from None
    return await run_in_threadpool(_keep, parts, reports, provider)


def _keep(parts: Backend, reports: Sequence[Feedback], provider: str) -> Reported:
    outcome = parts.database.write(lambda session: delivery_events.take(session, reports, provider, parts.clock()))
    return Reported(taken=outcome.taken, repeated=outcome.repeated, unknown=outcome.unknown)
