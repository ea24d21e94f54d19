"""Signing in: by a password, or by a link that works once. A link is a question first, since scanners follow links.

Whoever has no account learns that from nothing here: what is answered, and how long it takes, is the same for all.
"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.permission import UNKNOWN
from api.deps.visitor import TheVisitor
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.signing_in import letting_in
from mail.signed_links import BadLink
from services.access import audit_log
from services.access.signing_in import passwords, sign_in, users
from services.errors import InvalidInput
from services.jobs.mails import sign_in_mail

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

GivenEmail = Annotated[str, Form(max_length=320)]
BackTo = Annotated[str, Form(max_length=2_000)]


@router.get("/sign-in", response_class=HTMLResponse)
def ask(frame: TheFrame, to: str = "/") -> HTMLResponse:
    """The form; where there is nobody yet, how the first one comes in."""
    return letting_in.show_form(frame, to)


@router.post("/sign-in", response_class=RedirectResponse)
def by_password(
    frame: TheFrame,
    visitor: TheVisitor,
    email: GivenEmail,
    password: Annotated[str, Form(max_length=2_000)],
    to: BackTo = "/",
) -> Response:
    """A session, where the password fits."""
    parts, address, network = frame.parts, email.strip().lower(), visitor.address or UNKNOWN
    parts.sign_ins.check_password(network, address)
    with parts.database.reading() as session:
        user = sign_in.wanted(session, _normal(address))
    if not passwords.fits(user.password if user is not None else None, password) or user is None:
        parts.sign_ins.wrong_password(network, address)
        told = "The address or the password is wrong. You can have a link mailed to you instead."
        return letting_in.show_form(frame, to, problem=told, email=email, status=401)
    return letting_in.let_in(frame, user.id, to, "signed in by password")


@router.post("/sign-in/link", response_class=HTMLResponse)
def mail_a_link(frame: TheFrame, visitor: TheVisitor, email: GivenEmail, to: BackTo = "/") -> HTMLResponse:
    """A link by mail, where somebody has this address; nobody learns whether."""
    parts, now = frame.parts, frame.parts.clock()
    parts.sign_ins.link(visitor.address or UNKNOWN, email.strip().lower())

    def ask_for_it(session: Session) -> None:
        user = sign_in.wanted(session, _normal(email))
        if user is not None:
            sign_in_mail.start(session, user, None, now, sign_in.MAILED)

    parts.database.write(ask_for_it)
    return frame.page("signing_in/mailed.html", email=email, minutes=round(sign_in.MAILED.total_seconds() / 60))


@router.get("/sign-in/{token}", response_class=HTMLResponse)
def look_at_link(token: str, frame: TheFrame) -> HTMLResponse:
    """Whom the link would sign in. Changes nothing."""
    link = _read(frame.parts, token)
    with frame.parts.database.reading() as session:
        user = sign_in.look(session, link, frame.parts.clock())
    return frame.page("signing_in/link.html", user=user)


@router.post("/sign-in/{token}", response_class=RedirectResponse)
def by_link(
    token: str, frame: TheFrame, email: GivenEmail = "", name: Annotated[str, Form(max_length=200)] = ""
) -> RedirectResponse:
    """A session, once; the first admin says who they are."""
    link, now = _read(frame.parts, token), frame.parts.clock()

    def use(session: Session) -> str:
        before = sign_in.look(session, link, now)
        there = before is None and sign_in.wanted(session, _normal(email)) is not None
        user = sign_in.use(session, link, now, email, name)
        if before is None:
            action = "became the first admin as" if there else "created"
            audit_log.record(session, user.id, action, "user", user.id, now, after={"roles": user.roles})
        return user.id

    return letting_in.let_in(frame, frame.parts.database.write(use), "/", "signed in by link")


def _read(parts: Backend, token: str) -> str:
    try:
        return parts.links.read_sign_in(token)
    except BadLink:
        raise ApiError("not-found", "this link was cut or changed on its way; ask for another one") from None


def _normal(email: str) -> str:
    try:
        return users.normal_address(email)
    except InvalidInput:
        return ""
