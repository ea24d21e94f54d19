"""Signing in by the provider of the house: to it, and back.

A browser keeps a secret for as long as its person is there (`SameSite=Lax`, out of reach of scripts); what comes back
without it, or twice, lets nobody in. Where the provider is away, the other ways in are open.
"""

import hmac
from typing import Annotated
from urllib.parse import quote, unquote

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.deps import signed_in
from api.deps.openid_provider import BrowserSecret, NotProven, OpenIdProvider, ProviderAway
from api.deps.permission import UNKNOWN
from api.deps.visitor import TheVisitor
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.signing_in import letting_in, signing_out
from services.access.signing_in import openid_accounts

router = APIRouter(
    prefix="/sign-in/openid", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

PATIENCE = 600
"""Seconds that a browser keeps its secret: as long as somebody looks for a second factor."""

AWAY = "does not answer just now. Sign in by a password or a link until it does."

ReturnedText = Annotated[str, Query(max_length=4_000)]


@router.get("", response_class=RedirectResponse)
def go(frame: TheFrame, visitor: TheVisitor, to: str = "/") -> Response:
    """To the provider."""
    provider = _provider(frame)
    frame.parts.sign_ins.provider(visitor.address or UNKNOWN)
    browser = BrowserSecret.new()
    try:
        answer = RedirectResponse(provider.leads_to(browser), 303)
    except ProviderAway:
        return _away(frame, to)
    name = _cookie(frame)
    kept = f"{browser.text}.{quote(letting_in.local_path(to), safe='')}"
    answer.set_cookie(
        name, kept, max_age=PATIENCE, httponly=True, samesite="lax", secure=name.startswith("__Host-")
    )  # fmt: skip
    return answer


@router.get("/back", response_class=RedirectResponse)
def back(
    frame: TheFrame, visitor: TheVisitor, code: ReturnedText = "", state: ReturnedText = "", error: ReturnedText = ""
) -> Response:
    """Back from the provider: a session, where it has proven who is there and they may come in."""
    frame.parts.sign_ins.provider(visitor.address or UNKNOWN)
    text, _, to = frame.request.cookies.get(_cookie(frame), "").partition(".")
    answer = _answer(frame, BrowserSecret(text), unquote(to), code, state, error)
    name = _cookie(frame)
    answer.delete_cookie(name, httponly=True, samesite="lax", secure=name.startswith("__Host-"))
    return answer


def _answer(frame: Frame, browser: BrowserSecret, to: str, code: str, state: str, error: str) -> Response:
    provider, parts, now = _provider(frame), frame.parts, frame.parts.clock()
    if not browser.text or not hmac.compare_digest(state.encode(), browser.state.encode()):
        return _refused(frame, "This sign-in was not begun in this browser, or it was used or took too long.", 400)
    if error or not code:
        return _refused(frame, "The provider did not sign you in.", 403)
    try:
        person = provider.proves(code, browser, now)
    except ProviderAway:
        return _away(frame, to)
    except NotProven as wrong:
        return _refused(frame, f"The provider did not prove who you are: {wrong}.", 403)
    admitted = parts.database.write(lambda session: openid_accounts.admit(session, person, provider.client.roles, now))
    if admitted.user_id is None:
        return _refused(frame, admitted.told, 403)
    answer = letting_in.let_in(frame, admitted.user_id, to, "signed in by the provider")
    signing_out.remember(frame, answer, person.token)
    return answer


def _provider(frame: Frame) -> OpenIdProvider:
    if frame.parts.openid is None:
        raise ApiError(
            "not-found", "no provider is named here (WAYPOST_OPENID_ISSUER); sign in by a password or a link"
        )
    return frame.parts.openid


def _cookie(frame: Frame) -> str:
    return f"{signed_in.cookie_name(frame.request, frame.parts)}-openid"


def _away(frame: Frame, to: str) -> HTMLResponse:
    return letting_in.show_form(frame, to, problem=f"The provider of your company account {AWAY}", status=503)


def _refused(frame: Frame, told: str, status: int) -> HTMLResponse:
    return frame.page("signing_in/refused.html", status=status, told=told)
