"""The local outbox, with the mails it caught.

It shows personal mail without a login, so it is served to this machine alone, and only where mail lands here.
"""

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps.backend import TheBackend
from api.deps.transactions import Reading
from api.pages.html import page
from mail.message import Mail, Sender
from mail.mime import as_bytes
from store.queries import outbox
from store.tables.messages import OutboxMail

router = APIRouter(include_in_schema=False)

LOCAL = ("127.0.0.1", "::1")
PER_PAGE = 50


def at_this_machine(request: Request, parts: TheBackend) -> None:
    """Refuse everybody who is not on this machine."""
    if not parts.outbox or request.client is None or request.client.host not in LOCAL:
        raise HTTPException(404, "there is no outbox here")


@router.get("/outbox", response_class=HTMLResponse, dependencies=[Depends(at_this_machine)])
def mails(session: Reading, before: str | None = None) -> HTMLResponse:
    """The mails that were caught, the newest first, a page at a time."""
    rows = outbox.page(session, PER_PAGE, before)
    return page("outbox.html", mails=rows, more=rows[-1].id if len(rows) == PER_PAGE else None)


@router.get("/outbox/{id}", response_class=HTMLResponse, dependencies=[Depends(at_this_machine)])
def mail(id: str, session: Reading) -> HTMLResponse:
    """One mail, as its recipient would see it."""
    return page("mail.html", mail=_caught(session, id))


class Eml(Response):
    """A mail as a file (RFC 5322)."""

    media_type = "message/rfc822"


@router.get(
    "/outbox/{id}/mail.eml",
    response_class=Eml,
    dependencies=[Depends(at_this_machine)],
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
    return Eml(as_bytes(mail), headers={"Content-Disposition": f'attachment; filename="{found.id}.eml"'})


def _caught(session: Session, id: str) -> OutboxMail:
    found = session.get(OutboxMail, id)
    if found is None:
        raise HTTPException(404, "there is no such mail in the outbox")
    return found
