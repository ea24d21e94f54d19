"""Double opt-in: GET asks, since scanners follow links; POST confirms."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse

from api.deps.backend import Backend, TheBackend
from api.deps.visitor import TheVisitor
from api.pages.html import damaged, expired, page, spoken
from mail.links import BadLink, Confirmation, ExpiredLink
from services.errors import NotFound
from services.feedback import consents

router = APIRouter(prefix="/confirm", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Ask whether it was meant", responses=_DAMAGED)
def ask(token: str, parts: TheBackend) -> HTMLResponse:
    """Changes nothing."""
    try:
        what = parts.links.read_confirm(token, parts.clock())
    except ExpiredLink:
        return expired(parts.brand)
    except BadLink:
        return damaged()
    return page("confirm.html", brand=parts.brand, topic=spoken(parts, what.topic), done=False)


@router.post("/{token}", response_class=HTMLResponse, summary="Confirm a subscription", responses=_DAMAGED)
async def act(token: str, request: Request, parts: TheBackend, visitor: TheVisitor) -> HTMLResponse:
    """The consent counts from now on, with the address and the program that confirmed it as evidence."""
    try:
        what = parts.links.read_confirm(token, parts.clock())
        by = {"how": f"link in message {what.send_id}", "agent": request.headers.get("user-agent", "")[:200]}
        if visitor.address is not None:
            by["ip"] = visitor.address
        if not await run_in_threadpool(_confirm, parts, what, by):
            return expired(parts.brand)
    except ExpiredLink:
        return expired(parts.brand)
    except (BadLink, NotFound):
        return damaged()
    return page("confirm.html", brand=parts.brand, topic=await run_in_threadpool(spoken, parts, what.topic), done=True)


def _confirm(parts: Backend, what: Confirmation, by: dict[str, str]) -> bool:
    return parts.database.write(lambda session: consents.confirm(session, what.customer, what.topic, by, parts.clock()))
