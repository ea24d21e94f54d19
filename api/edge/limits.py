"""The edge of the API: every request gets an id, a limit on size and time, and one line in the log.

The log names the route, never the path: in that stands who it is about.
"""

import re
import secrets
import time
from collections.abc import Mapping
from typing import Any

import structlog
from anyio import CancelScope
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.edge import file_imports, ingestion_paths
from api.edge.metrics import Metrics
from api.edge.under_way import RequestsUnderWay
from api.errors import problem

LARGEST = 1024 * 1024
"""Bytes of a body: four times the largest journey."""

TEMPLATES, TEMPLATE_FORMS = "/v1/templates/", "/templates/"
"""Where the paths begin that take the texts of a template, in many languages: of the API, and of the editor's form."""

LARGEST_TEMPLATES = 8 * LARGEST
"""Bytes of such a body: four of the largest templates, or fifty of a usual size."""

LARGEST_FORM = 3 * LARGEST_TEMPLATES
"""Bytes of such a body as a form, in which browsers write three characters for most bytes that are not letters."""

SECONDS = 30.0
"""For a request: what takes longer is an operation."""

UPLOAD_SECONDS = 3_600.0
"""For a file to arrive."""

WATCHED = "/watch"
"""How the paths of streams end, which last as long as somebody watches."""

EXPORTS = "/v1/export/"
"""Where the paths begin whose answers are as long as the history."""

FORM_UPLOADS = "/operations/import"
"""The path of the page's form that takes a file, which is no larger than the API takes."""

UPLOADS = ("/v1/imports", FORM_UPLOADS)
"""Paths that take files, and more time."""

OWN_LIMITS = ingestion_paths.PATHS | {"/v1/imports"}
"""Paths that limit the body themselves."""

PERSONAL = "/v1/"
"""Where answers name customers: nobody between keeps them."""

_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")

log = structlog.get_logger("waypost.api")


class EdgeMiddleware:
    """The outermost layer."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self._app = app
        self._metrics = metrics
        self._under_way = RequestsUnderWay()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request within the limits, and put it on record."""
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        given = dict(scope["headers"]).get(b"x-request-id", b"")
        request_id = given.decode() if _ID.fullmatch(given) else secrets.token_hex(8)
        visit = _Visit(send, request_id, scope["path"])
        begun = time.perf_counter()
        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self._within_limits(scope, receive, visit)
            finally:
                route = getattr(scope.get("route"), "path", "none")
                seconds = time.perf_counter() - begun
                self._metrics.answered(scope["method"], route, visit.status, seconds)
                log.info(
                    "request",
                    method=scope["method"],
                    route=route,
                    status=visit.status,
                    ms=round(seconds * 1000, 1),
                    key=scope.get("state", {}).get("caller"),
                )

    async def _within_limits(self, scope: Scope, receive: Receive, visit: "_Visit") -> None:
        if "\0" in scope["path"] or b"%00" in scope["query_string"]:
            answer = problem("invalid-input", "the address contains the character NUL", path="path")
            return await answer(scope, receive, visit)
        upload, endless = scope["path"] in UPLOADS, _is_endless(scope["path"])
        largest = _largest(scope["path"])
        limited = receive if scope["path"] in OWN_LIMITS else _limited(receive, dict(scope["headers"]), largest)
        seconds = None if endless else UPLOAD_SECONDS if upload else SECONDS
        given_up = CancelScope()

        async def send(message: Message) -> None:
            if not given_up.cancel_called:
                await visit(message)

        try:
            await self._under_way.run(lambda: self._app(scope, limited, send), seconds, given_up)
        except Exception as error:
            if visit.status is not None:
                raise
            if isinstance(error, TimeoutError) and seconds is not None:
                answer = problem("timed-out", f"the request was given up after {seconds:.0f} seconds")
            else:
                log.error("unexpected_error", error=type(error).__name__, exc_info=error)
                answer = problem("unexpected", "something failed here; it was logged, and you may try again")
            await answer(scope, receive, visit)


def _largest(path: str) -> int:
    """Bytes of a body that a path takes."""
    if path == FORM_UPLOADS:
        return file_imports.LARGEST + LARGEST
    if path.startswith(TEMPLATE_FORMS):
        return LARGEST_FORM
    return LARGEST_TEMPLATES if path.startswith(TEMPLATES) else LARGEST


def _is_endless(path: str) -> bool:
    """Whether nobody can say how long an answer takes."""
    return path.endswith(WATCHED) or path.startswith(EXPORTS)


class _Visit:
    """Sends on, with the request's id and what holds for every answer, and remembers the status."""

    def __init__(self, send: Send, request_id: str, path: str) -> None:
        self._send = send
        kept = {b"cache-control": b"no-store"} if path.startswith(PERSONAL) else {}
        self._added = {b"x-request-id": request_id.encode(), b"x-content-type-options": b"nosniff", **kept}
        self.status: int | None = None

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.status = message["status"]
            given = dict(message.get("headers", ()))
            added = {name: value for name, value in self._added.items() if name not in given}
            message = {**message, "headers": [*message.get("headers", ()), *added.items()]}
        await self._send(message)


def _limited(receive: Receive, headers: Mapping[bytes, bytes], largest: int) -> Receive:
    """Receives at most so many bytes."""
    refusal = HTTPException(413, f"the body is larger than {largest:,} bytes")
    announced = headers.get(b"content-length", b"0")
    size = 0

    async def limited() -> Any:
        nonlocal size
        if announced.isdigit() and int(announced) > largest:
            raise refusal
        message = await receive()
        size += len(message.get("body", b""))
        if size > largest:
            raise refusal
        return message

    return limited
