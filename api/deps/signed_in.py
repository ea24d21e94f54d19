"""Who looks at a page, and what they may do there: permission is part of a page's signature, as it is of a route's.

Somebody signs in and has a session; its cookie is out of reach of scripts, and is sent by our own pages and by links
alone (`SameSite=Lax`). A key that is shown (`api.deps.sign_in`) may look and change nothing, since a browser would
send it with whatever another page posts. A page that `WAYPOST_OPEN_PAGES` names asks nobody.
"""

import hmac
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated
from urllib.parse import urlsplit

from fastapi import Depends, Request, Response
from fastapi.concurrency import run_in_threadpool

from api.deps.backend import Backend, TheBackend
from api.deps.permission import authenticate
from api.deps.sign_in import key_shown
from api.errors import ApiError
from services.access.keys import api_keys
from services.access.keys.api_keys import SCOPES
from services.access.signing_in import roles, sessions


class NotSignedIn(Exception):
    """Nobody is signed in: a person is led to the page for that, a program is asked for a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SignedIn:
    """Whoever looks at a page.

    `actor` is who changes what, for the audit log: the id of a user, or of a key. `form_token` is what forms carry;
    empty where nothing may be changed. `session` is the id of the session. `approves` says that they may publish what
    another has written, where two pairs of eyes are asked for.
    """

    actor: str
    name: str
    scopes: frozenset[str]
    email: str = ""
    session: str | None = None
    form_token: str = ""
    approves: bool = False

    def may(self, *scopes: str) -> bool:
        """Whether what asks for one of these scopes is open."""
        return bool(self.scopes & {*scopes, "admin"})

    @property
    def may_change(self) -> bool:
        """Whether forms of theirs are taken."""
        return bool(self.form_token)


def cookie_name(request: Request, parts: Backend) -> str:
    """The cookie of a session; over TLS by a name that no other host and no plain connection can set (`__Host-`)."""
    return "__Host-waypost" if over_tls(request, parts) else "waypost"


def over_tls(request: Request, parts: Backend) -> bool:
    """Whether the browser speaks TLS: a proxy that ends it passes on the name under which it is known."""
    known = urlsplit(parts.desk_url)
    return request.url.scheme == "https" or (known.scheme == "https" and request.headers.get("host") == known.netloc)


def remember(request: Request, response: Response, parts: Backend, text: str) -> None:
    """Give the browser the cookie of a session."""
    response.set_cookie(
        cookie_name(request, parts),
        text,
        max_age=int(sessions.LIFE.total_seconds()),
        httponly=True,
        samesite="lax",
        secure=over_tls(request, parts),
    )


def forget(request: Request, response: Response, parts: Backend) -> None:
    """Take the cookie away."""
    response.delete_cookie(cookie_name(request, parts), httponly=True, samesite="lax", secure=over_tls(request, parts))


def known(request: Request, parts: Backend) -> SignedIn | None:
    """Whoever is signed in; None where nobody is."""
    text = request.cookies.get(cookie_name(request, parts))
    if not text:
        return None
    now = parts.clock()
    with parts.database.reading() as session:
        found = sessions.find(session, text, now)
    if found is None:
        return None
    there, user = found
    if now - there.last_used_at > sessions.USED_EVERY:
        parts.background.submit(_remember_use, parts, there.id)
    request.state.caller = user.id
    return SignedIn(
        actor=user.id,
        name=user.name,
        email=user.email,
        scopes=roles.scopes(user.roles),
        session=there.id,
        form_token=sessions.form_token(text),
        approves=roles.approves(user.roles),
    )


def _remember_use(parts: Backend, session_id: str) -> None:
    parts.database.write(lambda session: sessions.used(session, session_id, parts.clock()))


def whoever_looks(request: Request, parts: Backend) -> SignedIn:
    """Whoever is signed in, or shows a key, or may look without; raise NotSignedIn."""
    found = known(request, parts)
    if found is not None:
        return found
    text = key_shown(request)
    if text is not None:
        key = authenticate(parts, request, text, SCOPES)
        return SignedIn(
            actor=key.id, name=key.name, scopes=frozenset(one for one in SCOPES if api_keys.allows(key, one))
        )
    if request.method == "GET" and request.url.path in parts.open_pages:
        return SignedIn(actor="", name="", scopes=frozenset({"support"}))
    raise NotSignedIn


def user(*scopes: str) -> Callable[..., Awaitable[SignedIn]]:
    """A dependency that lets in whoever may do what asks for one of these scopes; and a form only if it is ours."""

    async def check(request: Request, parts: TheBackend) -> SignedIn:
        found = await run_in_threadpool(whoever_looks, request, parts)
        if not found.may(*scopes):
            detail = f"{found.name} may not do this: it needs the role {' or '.join(scopes)}"
            raise ApiError("forbidden", detail)
        if request.method == "POST":
            await check_form(request, found)
        request.state.looks = found
        return found

    return check


async def check_form(request: Request, looks: SignedIn) -> None:
    """Raise where a form was not made for this session: a page of somebody else cannot know its token."""
    given = (await request.form()).get("form_token")
    if not looks.may_change:
        raise ApiError("forbidden", "a key may look; whoever changes something here signs in by name")
    if not isinstance(given, str) or not hmac.compare_digest(given.encode(), looks.form_token.encode()):
        raise ApiError("forbidden", "this form is not of your session; open the page once more and try again")


SupportUser = Annotated[SignedIn, Depends(user("support", "marketer"))]
MarketerUser = Annotated[SignedIn, Depends(user("marketer"))]
AdminUser = Annotated[SignedIn, Depends(user("admin"))]
AnyUser = Annotated[SignedIn, Depends(user("support", "marketer", "admin"))]
