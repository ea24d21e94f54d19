"""Which pages may send events with a key, and read the answers (CORS, https://fetch.spec.whatwg.org/#http-cors-protocol).

A key names the origins of its pages. Before a page has shown its key, all that can be said is that some key names its
origin; afterwards, its own key has to. The answer names that origin and no wildcard. No cookie counts here, so that a
page may send what cookies it likes.
"""

import re

from fastapi import Request
from fastapi.responses import JSONResponse, Response

from api.deps.backend import Backend
from store.tables.access import ApiKey

KEPT = 7_200
"""Seconds for which a browser remembers a preflight: the most that Chromium does. Each call is checked all the same."""

_HEADERS = re.compile(r"[A-Za-z0-9_, -]{1,1000}")


def named_by_any(parts: Backend, request: Request) -> bool:
    """Whether the request comes from a page whose origin some live key names."""
    origin = request.headers.get("origin")
    return origin is not None and origin in parts.keys.origins(parts.clock())


def may_call(key: ApiKey, request: Request) -> bool:
    """Whether the request comes from a page that the key names, or the key names none, or it comes from no page."""
    origin = request.headers.get("origin")
    return origin is None or not key.origins or origin in key.origins


def answer_headers(request: Request, readable: bool) -> dict[str, str]:
    """What an answer says of who may read it; caches keep one for each origin."""
    if not readable:
        return {"Vary": "Origin"}
    allowed = {"Access-Control-Allow-Origin": request.headers["origin"], "Access-Control-Allow-Credentials": "true"}
    return {"Vary": "Origin", **allowed, "Access-Control-Expose-Headers": "Retry-After, X-Request-Id"}


def preflight(parts: Backend, request: Request, method: str) -> Response:
    """The answer to a browser that asks before it calls by this method."""
    if "access-control-request-method" not in request.headers:
        return Response(status_code=204, headers={"Allow": f"{method}, OPTIONS", "Vary": "Origin"})
    vary = {"Vary": "Origin, Access-Control-Request-Method, Access-Control-Request-Headers"}
    if not named_by_any(parts, request):
        message = "no live key names the origin of this page: `waypost keys origins KEY https://…`"
        return JSONResponse({"code": "forbidden", "message": message}, status_code=403, headers=vary)
    return Response(status_code=204, headers=answer_headers(request, True) | _permission(request, method) | vary)


def _permission(request: Request, method: str) -> dict[str, str]:
    """Whatever headers a library adds: none of them means anything here but the key."""
    asked = request.headers.get("access-control-request-headers", "")
    headers = {"Access-Control-Allow-Headers": asked} if _HEADERS.fullmatch(asked) else {}
    return {"Access-Control-Allow-Methods": method, "Access-Control-Max-Age": str(KEPT), **headers}
