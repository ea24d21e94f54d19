"""Every error as `application/problem+json` (RFC 9457); only this room knows status codes.

The ingestion endpoints answer in Segment's form instead, since its clients read `code` and `message`.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from sqlalchemy.exc import DataError, DBAPIError
from starlette.exceptions import HTTPException
from starlette.routing import Match

from api.problems import KINDS, PREFIX
from journeys.language.problems import InvalidJourney
from services import errors as services
from services.changes.publication.publishing import Drifted
from services.definitions.journey_versions.drafts import DraftConflict
from services.values import Rejected
from store.dialect import came_between, is_away, is_full
from store.keyset import BadCursor
from store.session import CameBetween
from workflows import gateway

BY_STATUS: Mapping[int, str] = {
    400: "bad-request",
    401: "unauthorized",
    403: "forbidden",
    404: "not-found",
    405: "method-not-allowed",
    413: "too-large",
    429: "rate-limited",
    503: "timed-out",
}
KNOWN = (
    services.NotFound,
    services.Refused,
    services.InvalidInput,
    gateway.TemporalRefused,
    gateway.TemporalUnavailable,
)


class ApiError(Exception):
    """An error that only this room knows: a kind of problem, a sentence, and headers that go with it."""

    def __init__(self, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})


class Problem(BaseModel):
    """What went wrong, where, and what would be right (RFC 9457)."""

    type: str = Field(examples=["urn:waypost:problem:not-found"])
    title: str = Field(examples=["Not found"])
    status: int = Field(examples=[404])
    detail: str = Field(examples=["there is no journey 'lifecycel'"])
    path: str | None = Field(default=None, description="the faulty field", examples=["stages.lapsed.steps[0].send"])
    problems: list[dict[str, Any]] | None = Field(default=None, description="every finding, for a definition")


def problem(code: str, detail: str, *, status: int | None = None, **more: Any) -> JSONResponse:
    """An error response; `code` names its stable type."""
    kind = KINDS[code]
    body = {"type": PREFIX + code, "title": kind.title, "status": status or kind.status, "detail": detail}
    shown = body | {name: value for name, value in more.items() if value is not None}
    return JSONResponse(shown, status_code=status or kind.status, media_type="application/problem+json")


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The documented errors of a route; those that any route can give are added to each."""
    return {status: _documented(status) for status in (400, 401, 403, 429, *codes)}


def _documented(status: int) -> dict[str, Any]:
    code, kind = next((code, kind) for code, kind in KINDS.items() if kind.status == status)
    return {"description": kind.title, "content": content(code)}


def content(code: str) -> dict[str, Any]:
    """A problem of this kind, as the documentation shows it."""
    kind = KINDS[code]
    example = {"type": PREFIX + code, "title": kind.title, "status": kind.status, "detail": kind.meaning}
    return {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}, "example": example}}


def install(app: FastAPI) -> None:
    """Teach the app to answer every exception that we know; the edge answers the others."""
    for kind, handler in HANDLERS.items():
        app.add_exception_handler(kind, handler)


def answer(request: Request, error: Exception) -> JSONResponse | None:
    """What an exception is answered with; None where it is a fault of ours."""
    found = next((HANDLERS[kind] for kind in type(error).__mro__ if kind in HANDLERS), None)
    return found(request, error) if found is not None else None


def _unreadable(cause: ValueError | RecursionError) -> str:
    """What is JSON by its grammar, and still cannot be read."""
    if isinstance(cause, UnicodeDecodeError):
        return "the body is not UTF-8"
    if isinstance(cause, RecursionError):
        return "the body nests too deep"
    return "the body holds a number with more digits than can be read"


def _known(request: Request, error: Exception) -> JSONResponse:
    code = (
        "temporal-unavailable" if isinstance(error, gateway.TemporalUnavailable) else getattr(error, "code", "refused")
    )
    return problem(code, str(error), path=getattr(error, "path", None))


def _ours(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ApiError)
    answer = problem(error.code, error.detail)
    answer.headers.update(error.headers)
    return answer


def _invalid_journey(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, InvalidJourney)
    found = [one.as_json() for one in error.problems]
    detail = f"the definition has {len(found)} problem{'s' if len(found) != 1 else ''}: {error.problems[0]}"
    return problem("invalid-journey", detail, path=found[0]["path"], problems=found)


def _drifted(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Drifted)
    return problem("plan-drifted", str(error), kinds=list(error.kinds), plan=dict(error.now))


def _draft_conflict(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, DraftConflict)
    found = [{"path": one.place, "message": one.sentence} for one in error.changes]
    stored = {"revision": error.revision, "drafted_by": error.by, "definition": dict(error.stored)}
    return problem("draft-conflict", str(error), problems=found, stored=stored, given=dict(error.given))


def _rejected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, Rejected)
    return problem("invalid-input", str(error), path=error.path)


def _bad_cursor(request: Request, error: Exception) -> JSONResponse:
    return problem("invalid-input", str(error), path="cursor")


def _invalid_request(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    path = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    found = [{"path": ".".join(str(part) for part in one["loc"]), "message": one["msg"]} for one in error.errors()]
    return problem("invalid-input", f"{path}: {first['msg']}", path=path, problems=found)


def _unkeepable(request: Request, error: Exception) -> JSONResponse:
    """PostgreSQL keeps no text with the character NUL, and asks for none."""
    return problem("invalid-input", "a value holds what no database keeps: the character NUL, or half a surrogate pair")


def _came_between(request: Request, error: Exception) -> JSONResponse:
    answer = problem("collision", "somebody else wrote the same thing at this very moment; try again")
    answer.headers["Retry-After"] = "1"
    return answer


def _database(request: Request, error: Exception) -> JSONResponse:
    """Another transaction that came between, a full disk, or no database at all; anything else is a fault of ours."""
    assert isinstance(error, DBAPIError)
    if came_between(error):
        return _came_between(request, error)
    if is_full(error):
        return problem("disk-full", "the disk under the database is full; nothing was written")
    if not is_away(error):
        raise error
    answer = problem("database-unavailable", "the database does not answer; nothing was done")
    answer.headers["Retry-After"] = "5"
    return answer


def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ValueError | RecursionError):
        return problem("invalid-input", _unreadable(error.__cause__), path="body")
    code = BY_STATUS.get(error.status_code, "bad-request")
    answer = problem(code, str(error.detail), status=error.status_code)
    answer.headers.update(error.headers or {})
    if error.status_code == 405:
        answer.headers["Allow"] = ", ".join(_allowed(request))
    return answer


def _allowed(request: Request) -> list[str]:
    """Every method that the path takes: several routes may share it, and the framework names those of the first."""
    matching = [route for route in request.app.state.routes if route.matches(request.scope)[0] != Match.NONE]
    methods: set[str] = {method for route in matching for method in route.methods}
    return sorted(methods | ({"HEAD"} if "GET" in methods else set()))


HANDLERS: Mapping[type[Exception], Callable[[Request, Exception], JSONResponse]] = {
    **dict.fromkeys(KNOWN, _known),
    ApiError: _ours,
    InvalidJourney: _invalid_journey,
    Drifted: _drifted,
    DraftConflict: _draft_conflict,
    Rejected: _rejected,
    BadCursor: _bad_cursor,
    RequestValidationError: _invalid_request,
    HTTPException: _http,
    DataError: _unkeepable,
    DBAPIError: _database,
    CameBetween: _came_between,
}
"""What answers each kind of exception."""
