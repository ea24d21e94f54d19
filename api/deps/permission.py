"""Who calls, and whether they may: permission is part of a route's signature."""

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer

from api.deps.backend import Backend, TheBackend
from api.deps.nothing_unknown import refuse_unknown
from api.deps.visitor import visitor
from api.errors import ApiError
from services.access.keys import api_keys
from services.ingestion.rights import stands_in_a_page
from store.tables.access import ApiKey

UNKNOWN = "nobody knows where"
"""Whoever has no address that can be told."""

_bearer = HTTPBearer(auto_error=False, description="A Waypost key, `wp_…`.")


def bearer(request: Request) -> str | None:
    """The key in the Authorization header."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def authenticate(
    parts: Backend, request: Request, text: str | None, scopes: tuple[str, ...], counts: bool = True
) -> ApiKey:
    """The caller's key, if it is live, has one of `scopes`, and was not used too often."""
    key = _live(parts, request, text) if text else None
    if key is None:
        raise HTTPException(401, "send a live key as Authorization: Bearer wp_…", {"WWW-Authenticate": "Bearer"})
    request.state.caller = key.id
    if counts:
        everybodys = visitor(request, parts).address or UNKNOWN if stands_in_a_page(key.scopes) else None
        parts.rates.hit(key.id, key.rate, everybodys)
    if not any(api_keys.allows(key, scope) for scope in scopes):
        raise HTTPException(403, f"this needs a key with the scope {' or '.join(scopes)}")
    if key.last_used_at is None or parts.clock() - key.last_used_at > api_keys.USED_EVERY:
        key.last_used_at = parts.clock()
        parts.background.submit(_remember_use, parts, key.id)
    return key


def _live(parts: Backend, request: Request, text: str) -> ApiKey | None:
    """The live key with this text; raise where its address has shown too many wrong ones."""
    address = visitor(request, parts).address or UNKNOWN
    parts.guesses.check(address, text)
    key = parts.keys.find(text, parts.clock())
    if key is None:
        parts.guesses.wrong(address, text)
    else:
        parts.guesses.right(text)
    return key


def _remember_use(parts: Backend, key_id: str) -> None:
    """In a transaction of its own and behind the request, whose own transaction may hold the writer's lock."""
    parts.database.write(lambda session: api_keys.used(session, key_id, parts.clock()))


def scope(*scopes: str) -> Callable[..., Awaitable[ApiKey]]:
    """A dependency that lets in keys with one of these scopes (and admin keys).

    What a call says that nobody reads is refused after that: whoever may not call learns nothing about calls.
    """

    async def check(
        request: Request,
        parts: TheBackend,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> ApiKey:
        text = credentials.credentials if credentials else None
        key = await run_in_threadpool(authenticate, parts, request, text, scopes)
        await refuse_unknown(request)
        return key

    return check


Marketer = Annotated[ApiKey, Depends(scope("marketer"))]
Support = Annotated[ApiKey, Depends(scope("support", "marketer"))]


def refuse_other_than_approvers(caller: ApiKey) -> None:
    """Let nobody but approvers decide what becomes of what another has written; raise ApiError.

    Somebody with two keys of a marketer, or with one beside their sign-in, would be both pairs of eyes.
    """
    if not api_keys.allows(caller, api_keys.APPROVER):
        raise ApiError("forbidden", "this needs a key with the scope approver or admin, other than the author's")


Admin = Annotated[ApiKey, Depends(scope("admin"))]
