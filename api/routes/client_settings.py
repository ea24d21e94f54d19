"""What the libraries of browsers and apps ask before their first event: where to send, and that there is nothing else.

analytics.js (`cdnURL`), the Kotlin and Swift libraries (`cdnHost`), and RudderStack's (`configUrl`) each ask in their
own form. The answers hold nothing that the caller did not know, but that the key is live.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response

from api.deps.backend import Backend, TheBackend
from api.deps.permission import authenticate
from api.deps.write_keys import SCOPES, write_key
from api.edge import cross_origin
from api.errors import ApiError, responses
from store.tables.access import ApiKey

router = APIRouter(tags=["ingestion"])

_NOTHING_COUNTED = {"statsCollection": {"errors": {"enabled": False}, "metrics": {"enabled": False}}}
"""RudderStack's library would report of itself."""


@router.get(
    "/v1/projects/{key}/settings",
    summary="Settings for analytics.js and Segment's libraries of apps",
    responses={
        200: {"content": {"application/json": {"example": {"integrations": {"Segment.io": {}}}}}},
        **responses(403, 422, 429),
    },
)
def segment_settings(key: Annotated[str, Path(max_length=200)], request: Request, parts: TheBackend) -> JSONResponse:
    """Where events go: to this very address, under `/v1`."""
    live = _live(parts, request, key)
    here = {"apiKey": key, "apiHost": f"{request.url.netloc}/v1", "protocol": _scheme(request)}
    return _answer(request, live, {"integrations": {"Segment.io": here}, "metrics": {"sampleRate": 0}})


@router.get(
    "/sourceConfig",
    summary="Settings for RudderStack's browser library",
    responses={
        200: {"content": {"application/json": {"example": {"source": {"enabled": True}}}}},
        **responses(403, 422, 429),
    },
)
@router.get("/sourceConfig/", include_in_schema=False)
def rudder_settings(
    request: Request,
    parts: TheBackend,
    writeKey: Annotated[str | None, Query(description="or by the header Authorization", max_length=200)] = None,
) -> JSONResponse:
    """That the key is live, and that events go nowhere but here."""
    key = _live(parts, request, write_key(request.headers.get("authorization", ""), writeKey))
    source = {"id": key.id, "name": key.name, "workspaceId": "waypost", "enabled": True, "config": _NOTHING_COUNTED}
    return _answer(request, key, {"source": {**source, "destinations": [], "connections": []}, "updatedAt": None})


@router.options("/v1/projects/{key}/settings", include_in_schema=False)
@router.options("/sourceConfig", include_in_schema=False)
@router.options("/sourceConfig/", include_in_schema=False)
async def asked_first(request: Request, parts: TheBackend) -> Response:
    """The browser's question before it asks."""
    return await run_in_threadpool(cross_origin.preflight, parts, request, "GET")


def _live(parts: Backend, request: Request, text: str | None) -> ApiKey:
    key = authenticate(parts, request, text, SCOPES)
    if not cross_origin.may_call(key, request):
        raise ApiError(
            "forbidden", "the key does not name the origin of this page: `waypost keys origins KEY https://…`"
        )
    return key


def _answer(request: Request, key: ApiKey, settings: dict[str, Any]) -> JSONResponse:
    readable = request.headers.get("origin") in key.origins
    return JSONResponse(settings, headers=cross_origin.answer_headers(request, readable))


def _scheme(request: Request) -> str:
    """The one by which the page came here, as a proxy in front of us says it."""
    said = request.headers.get("x-forwarded-proto", "").partition(",")[0].strip()
    return said if said in ("http", "https") else request.url.scheme
