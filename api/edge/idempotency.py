"""`Idempotency-Key`: a POST that is repeated gets the first answer, and is not done again.

The answer is stored in the very transaction that did the work, so there is no moment in which one is kept without the
other: routes do their work in a transaction of `api.deps.transactions`, which is handed to the keeper. It is sealed
with the caller's own key, since it may hold what only the caller may know.
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


class AnsweredBefore(Exception):
    """The request was answered already, by a call before or beside it."""

    def __init__(self, kept: KeptAnswer) -> None:
        super().__init__("it was answered before")
        self._kept = kept

    def response(self) -> Response:
        """The first answer, which says that it is one."""
        return Response(self._kept.body, self._kept.status, {**self._kept.headers, "Idempotent-Replay": "true"})


class OneAnswer:
    """Keeps the answer of one request under its key."""

    def __init__(self, parts: Backend, claim: Claim, secret: str) -> None:
        self._parts, self._claim, self._secret = parts, claim, secret
        self.is_kept = False

    def look(self, session: Session) -> None:
        """Raise AnsweredBefore where it is kept already, Conflict where the key is another request's."""
        kept = idempotency.find(session, self._claim, self._secret, self._parts.clock())
        if kept is not None:
            raise AnsweredBefore(kept)

    def look_alone(self) -> None:
        """The same before anything else, in a transaction that reads."""
        with self._parts.database.reading() as session:
            self.look(session)

    def keep(self, session: Session, status: int, headers: dict[str, str], body: bytes) -> None:
        """Keep it in the transaction of its work."""
        answer = KeptAnswer(status=status, headers=headers, body=body)
        idempotency.keep(session, self._claim, self._secret, answer, self._parts.clock())

    def keep_last(self, session: Session | None, answer: Response) -> None:
        """Keep what nobody has kept yet: in the request's transaction, or alone, where there was no work, or elsewhere.

        `session` is that transaction, where the request has one.
        """
        given = answer.status_code, _headers(answer), bytes(answer.body)
        if session is not None:
            return self.keep(session, *given)
        self._parts.database.write(lambda own: self.keep(own, *given))

    def committed(self) -> None:
        """What was kept stays."""
        self.is_kept = True


async def _once(request: Request, key: str, handle: Handler) -> Response:
    parts: Backend = request.app.state.backend
    claim = Claim(caller=await _caller(request, parts), key=checked(key), fingerprint=await _fingerprint(request))
    keeper = request.state.answer_keeper = OneAnswer(parts, claim, bearer(request) or "")
    try:
        await run_in_threadpool(keeper.look_alone)
        answer = await handle(request)
    except AnsweredBefore as before:
        return before.response()
    if answer.status_code < 300 and not keeper.is_kept:
        session: Session | None = getattr(request.state, "session", None)
        try:
            await run_in_threadpool(keeper.keep_last, session, answer)
        except IntegrityError:
            told = "the same request is under way; ask again for its answer"
            raise ApiError("collision", told, {"Retry-After": "1"}) from None
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


def _headers(answer: Response) -> dict[str, str]:
    return {name: value for name, value in answer.headers.items() if name in ("content-type", "etag", "location")}
