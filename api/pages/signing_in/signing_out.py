"""Signing out: here at once, and at the provider by a link, where one came in by it and it offers that.

The browser keeps the provider's ID token for this, out of reach of scripts and sent to this one path: so nothing of it
is kept here. The way out is a link and no redirect: a page's own policy lets forms lead nowhere else.
"""

from fastapi import APIRouter, Depends, Response
from fastapi.responses import RedirectResponse

from api.deps import signed_in
from api.deps.openid_provider import ProviderAway
from api.deps.signed_in import AnyUser
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.access.signing_in import sessions

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

PATH = "/sign-out"

COOKIE = "waypost-provider"

LONGEST = 3_500
"""Characters of an ID token that a browser keeps (4,096 bytes with all that stands around it)."""

UNNAMED = "-"
"""Stands for a token that is longer: the provider asks then who is to be signed out."""


@router.post(PATH, response_class=RedirectResponse)
def sign_out(frame: TheFrame, looks: AnyUser) -> Response:
    """This browser's session ends; whoever came by the provider is told that theirs there has not."""
    parts = frame.parts
    parts.database.write(lambda session: sessions.end(session, looks.actor, looks.session or "", parts.clock()))
    place, away = _way_out(frame)
    frame.request.state.looks = None
    answer: Response = RedirectResponse("/sign-in", 303)
    if place is not None or away:
        answer = frame.page("signing_in/signed_out.html", place=place)
    signed_in.forget(frame.request, answer, parts)
    answer.delete_cookie(COOKIE, path=PATH, httponly=True, samesite="strict")
    return answer


def remember(frame: Frame, answer: Response, token: str) -> None:
    """Let the browser keep by what the provider knows this session, for as long as ours lasts."""
    answer.set_cookie(
        COOKIE, token if 0 < len(token) <= LONGEST else UNNAMED, path=PATH, httponly=True, samesite="strict",
        max_age=int(sessions.LIFE.total_seconds()), secure=signed_in.over_tls(frame.request, frame.parts),
    )  # fmt: skip


def _way_out(frame: Frame) -> tuple[str | None, bool]:
    """Where to sign out of the provider, None where there is nothing to sign out of; whether it is away."""
    token, provider = frame.request.cookies.get(COOKIE), frame.parts.openid
    if not token or provider is None:
        return None, False
    try:
        return provider.leads_out("" if token == UNNAMED else token), False
    except ProviderAway:
        return None, True
