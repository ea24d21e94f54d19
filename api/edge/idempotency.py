"""`Idempotency-Key`: a POST that is repeated gets the first answer, and is not done again.

The answer is stored in the very transaction that did the work, so there is no moment in which one is kept without the
other. It is sealed with the caller's own key, since it may hold what only the caller may know.
"""

import hashlib
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request, Response
from fastapi.concurrency import run_in_threadpool
from fastapi.routing import APIRoute
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.permission import authenticate, bearer
from api.errors import ApiError
from services.access import idempotency
from services.access.idempotency import Claim, KeptAnswer
from services.access.keys.api_keys import SCOPES

HEADER = "idempotency-key"
"""As ASGI has it, in lower case."""

LONGEST = 255
"""Characters of a key: several times what makes one unique."""

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class IdempotentRoute(APIRoute):
    """A route whose POSTs take an Idempotency-Key."""

    def get_route_handler(self) -> Handler:
        """FastAPI's handler, and before it a look for the answer that a repeat gets."""
        handle = super().get_route_handler()

        async def once(request: Request) -> Response:
            key = request.headers.get(HEADER)
            return (
                await handle(request) if key is None or request.method != "POST" else await _once(request, key, handle)
            )

        return once


async def _once(request: Request, key: str, handle: Handler) -> Response:
    parts: Backend = request.app.state.backend
    claim = Claim(caller=await _caller(request, parts), key=checked(key), fingerprint=await _fingerprint(request))
    secret = bearer(request) or ""
    known = await run_in_threadpool(_known, parts, claim, secret)
    if known is not None:
        return known
    answer = await handle(request)
    if answer.status_code < 300:
        kept = KeptAnswer(status=answer.status_code, headers=_headers(answer), body=bytes(answer.body))
        session: Session | None = getattr(request.state, "session", None)
        try:
            await run_in_threadpool(_keep, parts, session, claim, secret, kept)
        except IntegrityError:
            raise ApiError("idempotency-conflict", "the same request is under way; ask again for its answer") from None
    return answer


def checked(key: str) -> str:
    """The key, if it is one; raise ApiError (400) where it is too long or cannot be printed."""
    if not key or len(key) > LONGEST or not key.isprintable():
        raise ApiError("bad-request", f"an Idempotency-Key has 1 to {LONGEST} printable characters")
    return key


async def _caller(request: Request, parts: Backend) -> str:
    return (await run_in_threadpool(authenticate, parts, request, bearer(request), SCOPES, False)).id


async def _fingerprint(request: Request) -> str:
    """What must be the same in a repeat."""
    whole = b"\0".join(
        (request.method.encode(), str(request.url.path).encode(), request.url.query.encode(), await request.body())
    )
    return hashlib.sha256(whole).hexdigest()


def _known(parts: Backend, claim: Claim, secret: str) -> Response | None:
    with parts.database.reading() as session:
        kept = idempotency.find(session, claim, secret, parts.clock())
    return None if kept is None else Response(kept.body, kept.status, {**kept.headers, "Idempotent-Replay": "true"})


def _keep(parts: Backend, session: Session | None, claim: Claim, secret: str, answer: KeptAnswer) -> None:
    if session is not None:
        return idempotency.keep(session, claim, secret, answer, parts.clock())
    parts.database.write(lambda own: idempotency.keep(own, claim, secret, answer, parts.clock()))


def _headers(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name in ("content-type", "etag", "location")}
