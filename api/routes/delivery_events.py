"""What mail providers report. Signed by them; no key of ours."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.concurrency import run_in_threadpool

from api.deps.backend import Backend, TheBackend
from api.edge.metrics import Metrics
from api.errors import content
from api.schemas.delivery_events import Reported
from mail.providers.events import BadReport, BadSignature, Feedback, Report
from services.errors import InvalidInput
from services.feedback.returns import delivery_events
from services.feedback.returns.delivery_events import ReportCounts
from services.operations.item_pages import in_halves

log = structlog.get_logger("waypost.providers")

router = APIRouter(prefix="/webhooks", tags=["providers"])

ProviderName = Annotated[str, Path(description="the provider", examples=["sendgrid"], pattern=r"^[a-z]{1,32}$")]


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
async def take(provider: ProviderName, request: Request, parts: TheBackend) -> Reported:
    """Deliveries, bounces, opens, clicks, complaints: kept once, in whatever order and however often they come."""
    read = parts.event_readers().get(provider)
    if read is None:
        raise HTTPException(404, f"no provider {provider!r} reports here; set its verification key first")
    try:
        report = read(await request.body(), {name.lower(): value for name, value in request.headers.items()})
    except BadSignature as bad:
        raise HTTPException(403, str(bad)) from None
    except BadReport as bad:
        raise InvalidInput(str(bad)) from None
    return await run_in_threadpool(_keep, parts, request.app.state.metrics, report, provider)


def _keep(parts: Backend, metrics: Metrics, report: Report, provider: str) -> Reported:
    """All reports together; one that raises what nobody foresaw is counted as unreadable, its neighbours are kept."""

    def failed(one: Feedback, error: Exception) -> None:
        log.error("report_failed", provider=provider, message=one.send_id, kind=one.kind, exc_info=error)
        metrics.unexpected("report")

    came = in_halves(report.feedback, partial(_taken, parts, provider=provider), failed)
    kept = [one for one in came if one is not None]
    unreadable = report.unreadable + len(came) - len(kept)
    if unreadable:
        log.warning("unreadable_events", provider=provider, count=unreadable)
    return Reported(
        taken=sum(one.taken for one in kept),
        repeated=sum(one.repeated for one in kept),
        unknown=sum(one.unknown for one in kept),
        unreadable=unreadable,
    )


def _taken(parts: Backend, feedback: Sequence[Feedback], provider: str) -> ReportCounts:
    take = partial(delivery_events.take, reports=feedback, provider=provider, now=parts.clock())
    return parts.database.write(take)
