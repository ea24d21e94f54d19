"""What routes are given: a transaction, the caller's key, the gateway. Permission is part of a route's signature."""

from collections.abc import Awaitable, Callable, Iterator
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import Depends, HTTPException, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import Field
from sqlmodel import Session

from mail.links import Links
from services import api_keys
from store.session import Database
from store.tables import ApiKey
from workflows.gateway import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What the app is built on; the composition root makes it."""

    database: Database
    gateway: Callable[[], Awaitable[Gateway]]
    links: Links
    templates: Callable[[], frozenset[str]]
    clock: Callable[[], datetime]
    brand: str
    outbox: bool
    background: Executor


def backend(request: Request) -> Backend:
    return request.app.state.backend


TheBackend = Annotated[Backend, Depends(backend)]

_bearer = HTTPBearer(auto_error=False, description="A Waypost key, `wp_…`.")


def writing(parts: TheBackend) -> Iterator[Session]:
    """One transaction per request, committed before the answer is sent (scope "function" sees to that)."""
    with parts.database.writing() as session:
        yield session


def reading(parts: TheBackend) -> Iterator[Session]:
    with parts.database.reading() as session:
        yield session


def now(parts: TheBackend) -> datetime:
    return parts.clock()


def templates(parts: TheBackend) -> frozenset[str]:
    return parts.templates()


MOST = 2**31 - 1
Number = Annotated[int, Field(ge=1, le=MOST)]
"""A version's number, within what every database counts."""

Writing = Annotated[Session, Depends(writing, scope="function")]
Reading = Annotated[Session, Depends(reading, scope="function")]
Now = Annotated[datetime, Depends(now)]
Templates = Annotated[frozenset[str], Depends(templates)]


def authenticate(parts: Backend, text: str | None, scopes: tuple[str, ...]) -> ApiKey:
    """The caller's key, if it is live and has one of `scopes`."""
    with parts.database.reading() as session:
        key = api_keys.find(session, text) if text else None
    if key is None:
        raise HTTPException(401, "send a live key as Authorization: Bearer wp_…", {"WWW-Authenticate": "Bearer"})
    if not any(api_keys.allows(key, scope) for scope in scopes):
        raise HTTPException(403, f"this needs a key with the scope {' or '.join(scopes)}")
    if key.last_used_at is None or parts.clock() - key.last_used_at > api_keys.USED_EVERY:
        parts.background.submit(_remember_use, parts, key)
    return key


def _remember_use(parts: Backend, key: ApiKey) -> None:
    """In a transaction of its own and behind the request, whose own transaction may hold the writer's lock."""
    with parts.database.writing() as session:
        api_keys.used(session, key, parts.clock())


def scope(*scopes: str) -> Callable[..., ApiKey]:
    """A dependency that lets in keys with one of these scopes (and admin keys)."""

    def check(
        parts: TheBackend, credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)]
    ) -> ApiKey:
        return authenticate(parts, credentials.credentials if credentials else None, scopes)

    return check


Marketer = Annotated[ApiKey, Depends(scope("marketer"))]
Support = Annotated[ApiKey, Depends(scope("support", "marketer"))]
Admin = Annotated[ApiKey, Depends(scope("admin"))]
