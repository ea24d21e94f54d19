"""Double opt-in: GET asks, since scanners follow links; POST confirms."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import HTMLResponse

from api.deps.backend import Backend, TheBackend
from api.deps.visitor import TheVisitor
from api.pages.recipient import ThePages
from mail.signed_links import BadLink, Confirmation, ExpiredLink
from services.errors import NotFound
from services.feedback.answers import consents

router = APIRouter(prefix="/confirm", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Ask whether it was meant", responses=_DAMAGED)
def ask(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """Changes nothing."""
    try:
        what = parts.links.read_confirm(token, parts.clock())
    except ExpiredLink:
        return pages.expired()
    except BadLink:
        return pages.damaged()
    return pages.page("confirm.html", what.customer, topic=what.topic, done=False)


@router.post("/{token}", response_class=HTMLResponse, summary="Confirm a subscription", responses=_DAMAGED)
def act(token: str, request: Request, parts: TheBackend, visitor: TheVisitor, pages: ThePages) -> HTMLResponse:
    """The consent counts from now on, with the address and the program that confirmed it as evidence."""
    try:
        what = parts.links.read_confirm(token, parts.clock())
        by = {"how": f"link in message {what.send_id}", "agent": request.headers.get("user-agent", "")[:200]}
        if visitor.address is not None:
            by["ip"] = visitor.address
        if not _confirm(parts, what, by):
            return pages.expired()
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()
    return pages.page("confirm.html", what.customer, topic=what.topic, done=True)


def _confirm(parts: Backend, what: Confirmation, by: dict[str, str]) -> bool:
    return parts.database.write(lambda session: consents.confirm(session, what.customer, what.topic, by, parts.clock()))
