"""What went wrong, as a page: a person gets words and a way on, a program the problem as JSON that it always gets."""

import json
from collections.abc import Callable, Coroutine
from typing import Any
from urllib.parse import quote

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import RedirectResponse
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException

from api import errors
from api.deps import signed_in
from api.deps.backend import Backend
from api.deps.signed_in import NotSignedIn
from api.pages.frame.frame import Frame

PageHandler = Callable[[Request], Coroutine[Any, Any, Response]]


class PageRoute(APIRoute):
    """A route whose errors are pages, for whoever reads pages."""

    def get_route_handler(self) -> PageHandler:
        """FastAPI's handler, and behind it what it raises."""
        handle = super().get_route_handler()

        async def shown(request: Request) -> Response:
            try:
                return await handle(request)
            except NotSignedIn:
                return _to_sign_in(request)
            except Exception as error:
                answer = errors.answer(request, error)
                if answer is None:
                    raise
                return await run_in_threadpool(problem_page, request, answer)

        return shown


def reads_pages(request: Request) -> bool:
    """Whether a person asks, by a browser."""
    return "text/html" in request.headers.get("accept", "") or "hx-request" in request.headers


def problem_page(request: Request, answer: Response) -> Response:
    """A problem in words; as it is, for a program."""
    if not reads_pages(request):
        return answer
    told = json.loads(bytes(answer.body))
    kept = {name: value for name, value in answer.headers.items() if name in ("retry-after", "www-authenticate")}
    frame, parts = Frame(request, request.app.state.backend), request.app.state.backend
    _know(request, parts)
    name = "frame/problem_part.html" if frame.in_part else "frame/problem.html"
    return frame.page(name, status=answer.status_code, headers=kept, problem=told)


def _know(request: Request, parts: Backend) -> None:
    """Who looks, so that the page has its frame, also where the path leads nowhere."""
    if getattr(request.state, "looks", None) is None:
        request.state.looks = signed_in.known(request, parts)


def _to_sign_in(request: Request) -> Response:
    """A person goes to the page for it and comes back; a program is told what to show."""
    if not reads_pages(request):
        why = "show a key with the scope support or marketer; or open this page by WAYPOST_OPEN_PAGES"
        realm = "Waypost: any name, and a key with the scope support or marketer as password"
        answer = errors.problem("unauthorized", why)
        answer.headers["WWW-Authenticate"] = f'Basic realm="{realm}"'
        return answer
    if "hx-request" in request.headers:
        return Response(status_code=401, headers={"HX-Redirect": "/sign-in"})
    back = request.url.path if request.method == "GET" else "/"
    query = f"?{request.url.query}" if request.method == "GET" and request.url.query else ""
    return RedirectResponse(f"/sign-in?to={quote(back + query, safe='/')}", 303)


async def nowhere(request: Request, error: Exception) -> Response:
    """What a path leads to that nobody knows: a page that helps, where it is no path of the API's."""
    assert isinstance(error, HTTPException)
    answer = errors.answer(request, error)
    assert answer is not None
    if error.status_code != 404 or request.url.path.startswith("/v1/"):
        return answer
    return await run_in_threadpool(problem_page, request, answer)
