"""What routes are given: a transaction, the caller's key, the gateway. Permission is part of a route's signature."""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any

from fastapi import Depends, HTTPException, Query, Request
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field
from sqlmodel import Session

from api.rates import Rates
from mail.composing import Composer
from mail.links import Links
from mail.providers.events import Receiver
from mail.rendering.render_pool import RenderPool
from services.access import api_keys, audit_log
from services.reports.lists import Slice
from store.session import Database
from store.tables.access import ApiKey
from workflows.gateway import Gateway


@dataclass(frozen=True, slots=True, kw_only=True)
class Backend:
    """What the app is built on; the composition root makes it."""

    database: Database
    gateway: Callable[[], Awaitable[Gateway]]
    links: Links
    templates: Callable[[], frozenset[str]]
    template_files: Callable[[], frozenset[str]]
    receivers: Callable[[], Mapping[str, Receiver]]
    renderer: RenderPool
    composer: Composer
    clock: Callable[[], datetime]
    brand: str
    outbox: bool
    background: Executor
    rates: Rates


def backend(request: Request) -> Backend:
    return request.app.state.backend


TheBackend = Annotated[Backend, Depends(backend)]

_bearer = HTTPBearer(auto_error=False, description="A Waypost key, `wp_…`.")


def writing(request: Request, parts: TheBackend) -> Iterator[Session]:
    """One transaction per request, committed before the answer is sent (scope "function" sees to that)."""
    with parts.database.writing() as session:
        request.state.session = session
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


def bearer(request: Request) -> str | None:
    """The key in the Authorization header."""
    kind, _, value = request.headers.get("authorization", "").partition(" ")
    return value.strip() if kind.lower() == "bearer" and value.strip() else None


def authenticate(
    parts: Backend, request: Request, text: str | None, scopes: tuple[str, ...], counts: bool = True
) -> ApiKey:
    """The caller's key, if it is live, has one of `scopes`, and was not used too often."""
    with parts.database.reading() as session:
        key = api_keys.find(session, text, parts.clock()) if text else None
    if key is None:
        raise HTTPException(401, "send a live key as Authorization: Bearer wp_…", {"WWW-Authenticate": "Bearer"})
    request.state.caller = key.id
    if counts:
        parts.rates.hit(key.id, key.rate)
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
        request: Request,
        parts: TheBackend,
        credentials: Annotated[HTTPAuthorizationCredentials | None, Depends(_bearer)],
    ) -> ApiKey:
        return authenticate(parts, request, credentials.credentials if credentials else None, scopes)

    return check


Marketer = Annotated[ApiKey, Depends(scope("marketer"))]
Support = Annotated[ApiKey, Depends(scope("support", "marketer"))]
Admin = Annotated[ApiKey, Depends(scope("admin"))]


class Trail:
    """Puts changes on record, in the transaction that makes them."""

    def __init__(self, request: Request, session: Writing, now: Now) -> None:
        self._request = request
        self._session = session
        self._now = now

    def note(
        self, action: str, kind: str, target: str, before: BaseModel | None = None, after: BaseModel | None = None
    ) -> None:
        """`action` on the thing of `kind` named `target`, as it was shown before and is shown now."""
        audit_log.record(
            self._session, self._request.state.caller, action, kind, target, self._now, _plain(before), _plain(after)
        )

    def names(self, action: str, kind: str, target: str, changed: Mapping[str, Any]) -> None:
        """The same of a customer: only the names of what changed are kept."""
        after = {"changed": sorted(changed)[:100]}
        audit_log.record(self._session, self._request.state.caller, action, kind, target, self._now, None, after)


def _plain(shown: BaseModel | None) -> dict[str, Any] | None:
    return shown.model_dump(mode="json") if shown is not None else None


TheTrail = Annotated[Trail, Depends(Trail)]


class Paging:
    """Which page of a list is wanted."""

    def __init__(
        self,
        cursor: Annotated[str | None, Query(max_length=1_000, description="the `cursor` of the page before")] = None,
        limit: Annotated[int, Query(ge=1, le=200, description="at most so many items")] = 50,
    ) -> None:
        self.cursor = cursor
        self.limit = limit

    def slice(self, sort: str = "") -> Slice:
        """The page, in the order that `sort` names; a minus turns it round."""
        return Slice(cursor=self.cursor, limit=self.limit, descending=sort.startswith("-"))


ThePage = Annotated[Paging, Depends()]
