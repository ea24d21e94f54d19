"""Every error as `application/problem+json` (RFC 9457); only this module knows status codes.

The ingestion endpoints answer in Segment's form instead, since its clients read `code` and `message`.
"""

from collections.abc import Mapping
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from journeys.problems import InvalidJourney
from services import errors as services
from services.tracking import Rejected
from workflows import gateway

TYPE = "urn:waypost:problem:"

STATUS: Mapping[type[Exception], tuple[int, str]] = {
    services.NotFound: (404, "Not found"),
    services.Refused: (409, "Refused"),
    services.InvalidInput: (422, "Invalid input"),
    gateway.Refused: (409, "Refused"),
    gateway.TemporalUnavailable: (503, "Temporal is unavailable"),
}

log = structlog.get_logger("waypost.api")


class Problem(BaseModel):
    """What went wrong, where, and what would be right (RFC 9457)."""

    type: str = Field(examples=["urn:waypost:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no journey 'lifecycel'"])
    path: str | None = Field(default=None, description="the faulty field", examples=["stages.lapsed.steps[0].send"])
    problems: list[dict[str, Any]] | None = Field(default=None, description="every finding, for a definition")


def problem(status: int, code: str, title: str, detail: str, **more: Any) -> JSONResponse:
    """An error response; `code` names its stable type."""
    body = {"type": TYPE + code, "title": title, "status": status, "detail": detail}
    shown = body | {name: value for name, value in more.items() if value is not None}
    return JSONResponse(shown, status_code=status, media_type="application/problem+json")


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route."""
    schema = {"$ref": "#/components/schemas/Problem"}
    content = {"application/problem+json": {"schema": schema}}
    titles = {400: "Bad request", 401: "No valid key", 403: "The key lacks the scope", 404: "Not found", 409: "Refused",
              422: "Invalid input", 503: "Temporal is unavailable"}  # fmt: skip
    return {code: {"description": titles[code], "content": content} for code in (401, 403, *codes)}


def install(app: FastAPI) -> None:
    """Teach the app to answer every exception."""
    for kind in STATUS:
        app.add_exception_handler(kind, _known)
    app.add_exception_handler(InvalidJourney, _invalid_journey)
    app.add_exception_handler(Rejected, _rejected)
    app.add_exception_handler(RequestValidationError, _invalid_request)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


def _known(request: Request, error: Exception) -> JSONResponse:
    status, title = STATUS[type(error)]
    code = getattr(error, "code", "temporal-unavailable" if status == 503 else "refused")
    return problem(status, code, title, str(error), path=getattr(error, "path", None))


def _invalid_journey(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InvalidJourney)
    found = [one.as_json() for one in error.problems]
    detail = f"the definition has {len(found)} problem{'s' if len(found) != 1 else ''}: {error.problems[0]}"
    return problem(422, "invalid-journey", "Invalid journey", detail, path=found[0]["path"], problems=found)


def _rejected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Rejected)
    return problem(422, "invalid-input", "Invalid input", str(error), path=error.path)


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    found = [{"path": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()]
    return problem(422, "invalid-input", "Invalid input", f"{path}: {first['msg']}", path=path, problems=found)


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    titles = {401: "No valid key", 403: "The key lacks the scope", 404: "Not found", 405: "Method not allowed"}
    code = {401: "unauthorized", 403: "forbidden", 404: "not-found", 405: "method-not-allowed"}
    title = titles.get(error.status_code, "Bad request")
    answer = problem(error.status_code, code.get(error.status_code, "bad-request"), title, str(error.detail))
    answer.headers.update(error.headers or {})
    return answer


def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected_error", path=request.url.path, error=type(error).__name__, exc_info=error)
    return problem(500, "unexpected", "Unexpected error", "something failed here; it was logged, and you may try again")
