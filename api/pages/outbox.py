"""The local outbox, with the mails it caught.

It shows personal mail, so it opens without a sign-in to this machine alone, where nothing stands between (a proxy on
this machine brings requests of everybody) and no setting gives the installation a name elsewhere, and only where mail
lands here. Links that are signed for their recipients,
such as the one that signs a colleague in, are whole for this machine and for admins.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps import signed_in
from api.deps.backend import TheBackend
from api.deps.sign_in import sign_in
from api.deps.transactions import Reading
from api.deps.visitor import TheVisitor
from api.edge.own_pages import own_page
from api.pages.frame import framed_mail
from api.pages.frame.frame import TheFrame
from api.pages.html import PRIVATE
from mail import signed_links
from mail.message import Mail, Sender
from mail.mime import as_bytes
from services.access.keys import api_keys
from store.queries.mails import outbox
from store.tables.messages import OutboxMail

PER_PAGE = 50
"""Mails of a page, the newest first."""


def sees_links(request: Request, parts: TheBackend, visitor: TheVisitor) -> bool:
    """Let in whoever sits at this machine, who is signed in, and who shows a key: as a bearer, or as a password.

    Returns whether the signed links of mails are theirs to see.
    """
    if not parts.outbox:
        raise HTTPException(404, "there is no outbox here")
    if visitor.direct:
        return True
    looks = signed_in.known(request, parts)
    if looks is not None and looks.may("marketer"):
        return looks.may("admin")
    why = "the outbox is open to this machine alone; else sign in as a marketer, or show a key of one"
    return api_keys.allows(sign_in(parts, request, "marketer", why=why), "admin")


SeesLinks = Annotated[bool, Depends(sees_links)]


router = APIRouter(include_in_schema=False, dependencies=[Depends(own_page), Depends(sees_links)])


@router.get("/outbox", response_class=HTMLResponse)
def mails(frame: TheFrame, session: Reading, before: str | None = None) -> HTMLResponse:
    """The mails that were caught, the newest first, a page at a time; in their frame for whoever is signed in."""
    frame.request.state.looks = signed_in.known(frame.request, frame.parts)
    rows = outbox.page(session, PER_PAGE, before)
    return frame.page("outbox.html", mails=rows, more=rows[-1].id if len(rows) == PER_PAGE else None)


@router.get("/outbox/{id}", response_class=HTMLResponse)
def mail(frame: TheFrame, id: str, session: Reading, whole: SeesLinks) -> HTMLResponse:
    """One mail, as its recipient would see it."""
    frame.request.state.looks = signed_in.known(frame.request, frame.parts)
    return frame.page("outbox_mail.html", mail=_caught(session, id, whole), whole=whole)


@router.get("/outbox/{id}/body", response_class=HTMLResponse)
def body(id: str, session: Reading, whole: SeesLinks) -> HTMLResponse:
    """Its HTML, for the frame in which it is shown: its links open in a tab of their own."""
    return framed_mail.followed(_caught(session, id, whole).html)


class Eml(Response):
    """A mail as a file (RFC 5322)."""

    media_type = "message/rfc822"


@router.get(
    "/outbox/{id}/mail.eml",
    response_class=Eml,
)
def file(id: str, session: Reading, whole: SeesLinks) -> Eml:
    """The mail as a file, for a mail program."""
    found = _caught(session, id, whole)
    mail = Mail(
        send_id=found.send_id,
        to=found.to_address,
        sender=Sender(name="", email=found.from_address),
        subject=found.subject,
        html=found.html,
        text=found.text,
        headers=found.headers,
        at=found.received_at,
    )
    name = {"Content-Disposition": f'attachment; filename="{found.id}.eml"'}
    return Eml(as_bytes(mail), headers={**name, **PRIVATE})


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenMail:
    """A mail of the outbox, as somebody may see it."""

    id: str
    send_id: str
    to_address: str
    from_address: str
    subject: str
    html: str
    text: str
    headers: Mapping[str, str]
    received_at: datetime


def _caught(session: Session, id: str, whole: bool) -> SeenMail:
    found = session.get(OutboxMail, id)
    if found is None:
        raise HTTPException(404, "there is no such mail in the outbox")
    caught = SeenMail(**{one.name: getattr(found, one.name) for one in fields(SeenMail)})
    if whole:
        return caught
    headers = {name: signed_links.blanked(value) for name, value in caught.headers.items()}
    hidden = {name: signed_links.blanked(getattr(caught, name)) for name in ("subject", "html", "text")}
    return replace(caught, headers=headers, **hidden)
