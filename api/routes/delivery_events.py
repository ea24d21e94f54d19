"""What mail providers report. Signed by them; no key of ours."""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

import structlog
from fastapi import APIRouter, HTTPException, Path, Request
from fastapi.concurrency import run_in_threadpool
from sqlalchemy.exc import OperationalError

from api.deps.backend import Backend, TheBackend
from api.errors import content
from api.schemas.delivery_events import Reported
from mail.providers.events import BadReport, BadSignature, Feedback, Report
from services.errors import InvalidInput
from services.feedback import delivery_events
from services.feedback.delivery_events import ReportCounts

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
    return await run_in_threadpool(_keep, parts, report, provider)


def _keep(parts: Backend, report: Report, provider: str) -> Reported:
    """All reports together; where something unexpected is raised, each by itself."""
    unreadable = report.unreadable
    try:
        kept = [_taken(parts, report.feedback, provider)]
    except OperationalError:
        raise
    except Exception as error:
        log.error("reports_failed", provider=provider, exc_info=error)
        each = [_taken_alone(parts, one, provider) for one in report.feedback]
        kept = [one for one in each if one is not None]
        unreadable += len(each) - len(kept)
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


def _taken_alone(parts: Backend, one: Feedback, provider: str) -> ReportCounts | None:
    """None where this report raises what nobody foresaw: its neighbours are kept, and it is counted as unreadable."""
    try:
        return _taken(parts, [one], provider)
    except OperationalError:
        raise
    except Exception as error:
        log.error("report_failed", provider=provider, message=one.send_id, kind=one.kind, exc_info=error)
        return None
