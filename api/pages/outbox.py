"""The local outbox, with the mails it caught.

It shows personal mail, so it opens without a sign-in to this machine alone, where nothing stands between (a proxy on
this machine brings requests of everybody), and only where mail lands here.
"""

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps.backend import TheBackend
from api.deps.sign_in import sign_in
from api.deps.transactions import Reading
from api.deps.visitor import TheVisitor
from api.edge.own_pages import own_page
from api.pages.html import PRIVATE, page
from mail.message import Mail, Sender
from mail.mime import as_bytes
from store.queries import outbox
from store.tables.messages import OutboxMail

PER_PAGE = 50
"""Mails of a page, the newest first."""


def may_look(request: Request, parts: TheBackend, visitor: TheVisitor) -> None:
    """Let in whoever sits at this machine, and who shows a key: as a bearer, or as the password of a browser."""
    if not parts.outbox:
        raise HTTPException(404, "there is no outbox here")
    if visitor.direct:
        return
    why = "the outbox is open to this machine alone; else show a key of a marketer"
    sign_in(parts, request, "marketer", why=why)


router = APIRouter(include_in_schema=False, dependencies=[Depends(own_page), Depends(may_look)])


@router.get("/outbox", response_class=HTMLResponse)
def mails(session: Reading, before: str | None = None) -> HTMLResponse:
    """The mails that were caught, the newest first, a page at a time."""
    rows = outbox.page(session, PER_PAGE, before)
    return page("outbox.html", mails=rows, more=rows[-1].id if len(rows) == PER_PAGE else None)


@router.get("/outbox/{id}", response_class=HTMLResponse)
def mail(id: str, session: Reading) -> HTMLResponse:
    """One mail, as its recipient would see it."""
    return page("mail.html", mail=_caught(session, id))


class Eml(Response):
    """A mail as a file (RFC 5322)."""

    media_type = "message/rfc822"


@router.get(
    "/outbox/{id}/mail.eml",
    response_class=Eml,
)
def whole(id: str, session: Reading) -> Eml:
    """The mail as a file, for a mail program."""
    found = _caught(session, id)
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


def _caught(session: Session, id: str) -> OutboxMail:
    found = session.get(OutboxMail, id)
    if found is None:
        raise HTTPException(404, "there is no such mail in the outbox")
    return found
