"""The Segment HTTP Tracking API, as its client libraries use it: any Content-Type, gzip, three ways to authenticate.

400 is for a body that is too large or no JSON; otherwise the answer is 200, and each rejected event is in a log.
"""

import zlib
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal, cast

import structlog
from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import JSONResponse, Response
from sqlmodel import Session

from api.deps.backend import Backend, TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Support, authenticate
from api.deps.transactions import Reading
from api.deps.write_keys import SCOPES, write_key
from api.edge import cross_origin, ingestion_paths
from api.edge.metrics import Metrics
from api.errors import ApiError, responses
from api.schemas.base import Page
from api.schemas.ingestion import EventOut, RejectionOut, UnreadableFieldOut, UnreadableFieldsOut
from services.ingestion import ingest, rights, segment_api
from services.ingestion.ingest import IngestResult
from services.ingestion.rights import Rights
from services.operations.item_pages import in_halves
from store.queries.history import unreadable_values
from store.queries.listing import lists
from store.tables.access import ApiKey

log = structlog.get_logger("waypost.ingestion")

LARGEST = 500 * 1024
"""Bytes of a batch, as client libraries of Segment keep to it."""

MOST_EVENTS = 2_500
"""Events of a batch, as client libraries of Segment keep to it."""

router = APIRouter(tags=["ingestion"])


_EXAMPLE = {
    "type": "track",
    "userId": "17",
    "event": "Order Completed",
    "messageId": "order-4711",
    "properties": {"total": 39.9, "currency": "EUR"},
}


CODES = {400: "bad_request", 401: "unauthorized", 403: "forbidden", 429: "rate_limited"}
"""Errors as Segment's API names them, by status."""


class _Bad(Exception):
    def __init__(self, status: int, message: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.headers = dict(headers or {})


def _body_schema(example: Any) -> dict[str, Any]:
    content = {"application/json": {"schema": {"type": "object"}, "example": example}}
    return {"requestBody": {"required": True, "content": content}, "security": [{"HTTPBearer": []}]}


def _answers() -> dict[int | str, dict[str, Any]]:
    error = {"type": "object", "properties": {"code": {"type": "string"}, "message": {"type": "string"}}}
    shown = {"application/json": {"schema": error}}
    meanings = {400: "Too large, or no JSON", 401: "No valid key", 403: "The key lacks the scope ingest",
                429: "Too many calls: wait for the seconds in Retry-After"}  # fmt: skip
    return {code: {"description": text, "content": shown} for code, text in meanings.items()}


def _route(path: str, kind: str | None) -> None:
    """The route of one path of ingestion, and of the browser's question before it calls."""
    name = path.rpartition("/")[2]

    async def take(request: Request, parts: TheBackend) -> JSONResponse:
        return await _take(request, parts, kind)

    async def asked_first(request: Request, parts: TheBackend) -> Response:
        return await run_in_threadpool(cross_origin.preflight, parts, request, "POST")

    take.__doc__ = (
        "Up to 2,500 events of any type. An event that is wrong is logged and does not stop the others."
        if kind is None
        else f"One {kind} call."
    )
    what = "many events" if kind is None else f"one {kind} call"
    single = {name: value for name, value in _EXAMPLE.items() if name != "type"}
    router.add_api_route(
        path,
        take,
        methods=["POST"],
        name=name,
        summary=f"Take in {what}" + ("" if path in ("/v1/batch", f"/v1/{kind}") else f", from a browser ({path})"),
        responses=_answers(),
        openapi_extra=_body_schema({"batch": [_EXAMPLE]} if kind is None else single),
    )
    router.add_api_route(path, asked_first, methods=["OPTIONS"], include_in_schema=False)


for _path in ingestion_paths.BATCHES:
    _route(_path, None)
for _path, _kind in ingestion_paths.SINGLE.items():
    _route(_path, _kind)


@router.get("/v1/events", summary="Events as they came", responses=responses(422))
def events(
    session: Reading,
    key: Support,
    page: ThePage,
    name: Annotated[str | None, Query(max_length=200, description="these alone, by when they happened")] = None,
    sort: Literal["received", "-received"] = "-received",
) -> Page[EventOut]:
    """The newest first, of all customers. Who wants all of them exports them: `/v1/export/events` misses none."""
    rows, cursor = lists.events(session, page.slice(sort), name=name)
    return Page(items=[EventOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/v1/rejections", summary="Events that were rejected", responses=responses(422))
def rejections(
    session: Reading,
    key: Support,
    page: ThePage,
    type: str | None = None,
    sort: Literal["received", "-received"] = "-received",
) -> Page[RejectionOut]:
    """The newest first, each with the faulty field and the reason."""
    rows, cursor = lists.rejections(session, page.slice(sort), type=type)
    return Page(items=[RejectionOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/v1/unreadable-values", summary="Values that could not be read", responses=responses(422))
def unreadable(
    session: Reading,
    key: Support,
    since: Annotated[date | None, Query(description="only fields of which one came on this day (UTC) or later")] = None,
) -> UnreadableFieldsOut:
    """Amounts, dates and time zones, by what they came with and by field, each with how many and some examples.

    An amount that is no number adds nothing to `sum`, a zone that is none leaves the customer in the journey's, and a
    date that is none is not now: a wait takes its `else`, or waits.
    """
    found = unreadable_values.listed(session, since.isoformat() if since else None)
    return UnreadableFieldsOut(items=[UnreadableFieldOut.model_validate(one) for one in found])


async def _take(request: Request, parts: Backend, kind: str | None) -> JSONResponse:
    readable = "origin" in request.headers and await run_in_threadpool(cross_origin.named_by_any, parts, request)
    try:
        body, strict = _parse(_inflate(await _read(request)))
        items = _items(body, kind)
        key = await run_in_threadpool(_authenticate, request, parts, body)
        allowed = _allowed(request, key, kind)
    except _Bad as bad:
        answer = {"code": CODES[bad.status], "message": bad.message}
        headers = cross_origin.answer_headers(request, readable) | bad.headers
        return JSONResponse(answer, status_code=bad.status, headers=headers)
    take = partial(_ingest, parts, sent_at=body.get("sentAt"), strict=strict, allowed=allowed)
    each = partial(_each_alone, parts, request.app.state.metrics, take)
    outcome = await run_in_threadpool(take if kind is not None else each, items)
    rejected = [{"index": index, "path": one.path, "reason": one.reason} for index, one in outcome.rejected]
    return JSONResponse(
        {"success": True, "accepted": outcome.accepted, "repeated": outcome.repeated, "rejected": rejected},
        headers=cross_origin.answer_headers(request, request.headers.get("origin") in key.origins),
    )


def _allowed(request: Request, key: ApiKey, kind: str | None) -> Rights:
    """What the key may say, if the page that it stands in may use it; raise _Bad."""
    if not cross_origin.may_call(key, request):
        raise _Bad(403, "the key does not name the origin of this page: `waypost keys origins KEY https://…`")
    allowed = rights.of(key.scopes)
    if kind is not None and kind not in allowed.types:
        raise _Bad(403, f"a key that stands in a page may {' and '.join(allowed.types)}, and nothing else")
    return allowed


def _ingest(parts: Backend, items: Sequence[Any], sent_at: Any, strict: bool, allowed: Rights) -> IngestResult:
    def work(session: Session) -> IngestResult:
        return ingest.ingest(session, items, parts.clock(), sent_at, strict=strict, rights=allowed)

    return parts.database.write(work)


def _each_alone(
    parts: Backend, metrics: Metrics, take: Callable[[Sequence[Any]], IngestResult], items: Sequence[Any]
) -> IngestResult:
    """All events together; what raises unexpectedly for one of them is that one's own result."""

    def failed(one: tuple[int, Any], error: Exception) -> tuple[int, IngestResult]:
        log.error("event_failed", index=one[0], exc_info=error)
        metrics.unexpected("ingest")
        return one[0], parts.database.write(partial(ingest.reject_unexpected, item=one[1], now=parts.clock()))

    def some(part: Sequence[tuple[int, Any]]) -> tuple[int, IngestResult]:
        return (part[0][0] if part else 0), take([item for _, item in part])

    return ingest.together(in_halves(list(enumerate(items)), some, failed))


async def _read(request: Request) -> bytes:
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > LARGEST:
            raise _Bad(400, f"the body is larger than {LARGEST:,} bytes")
    return body


def _inflate(body: bytes) -> bytes:
    """Gunzip within bounds, whatever the headers say: some clients gzip under another Content-Type."""
    if not body.startswith(b"\x1f\x8b"):
        return body
    inflater = zlib.decompressobj(wbits=31)
    try:
        plain = inflater.decompress(body, LARGEST + 1)
    except zlib.error:
        raise _Bad(400, "the body looks like gzip and is damaged") from None
    if len(plain) > LARGEST:
        raise _Bad(400, f"the body inflates to more than {LARGEST:,} bytes")
    if not inflater.eof:
        raise _Bad(400, "the gzip body is cut short")
    return plain


def _parse(body: bytes) -> tuple[Mapping[str, Any], bool]:
    try:
        parsed, strict = segment_api.parsed(body)
    except (ValueError, RecursionError):
        raise _Bad(400, "the body is not JSON") from None
    if not isinstance(parsed, dict):
        raise _Bad(400, "the body must be a JSON object")
    return cast(Mapping[str, Any], parsed), strict


def _items(body: Mapping[str, Any], kind: str | None) -> list[Any]:
    if kind is not None:
        return [{**body, "type": kind}]
    batch = body.get("batch")
    if not isinstance(batch, list):
        raise _Bad(400, "batch must be a list of events")
    events = cast(list[Any], batch)
    if len(events) > MOST_EVENTS:
        raise _Bad(400, f"the batch has {len(events):,} events; at most {MOST_EVENTS:,} are allowed")
    return [_with_context(event, body.get("context")) for event in events]


def _with_context(event: Any, shared: Any) -> Any:
    """The batch's own context holds for each event that does not say otherwise."""
    if not (isinstance(event, dict) and isinstance(shared, dict) and shared):
        return event
    item = cast(dict[str, Any], event)
    own = item.get("context")
    return {**item, "context": {**cast(dict[str, Any], shared), **(own if isinstance(own, dict) else {})}}


def _authenticate(request: Request, parts: Backend, body: Mapping[str, Any]) -> ApiKey:
    try:
        said = body.get("writeKey") or request.query_params.get("writeKey")
        return authenticate(parts, request, write_key(request.headers.get("authorization", ""), said), SCOPES)
    except HTTPException as refused:
        raise _Bad(refused.status_code, str(refused.detail), refused.headers) from None
    except ApiError as too_many:
        raise _Bad(429, too_many.detail, too_many.headers) from None
