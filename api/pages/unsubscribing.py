"""Unsubscribing (RFC 8058): GET shows a question, since scanners follow links; POST acts at once, without a login."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from api.deps.backend import Backend, TheBackend
from api.pages.recipient import ThePages
from mail.signed_links import BadLink, Unsubscribe
from services.errors import NotFound
from services.feedback.answers import unsubscribing

router = APIRouter(prefix="/u", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {404: {"description": "The link is damaged", "content": {"text/html": {}}}}


@router.get("/{token}", response_class=HTMLResponse, summary="Ask whether to unsubscribe", responses=_DAMAGED)
def ask(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """Changes nothing."""
    try:
        what = parts.links.read_unsubscribe(token)
    except BadLink:
        return pages.damaged()
    return pages.page("unsubscribe.html", what.customer, topic=what.topic, done=False)


@router.post("/{token}", response_class=HTMLResponse, summary="Unsubscribe at once", responses=_DAMAGED)
def act(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """What a mail client's one click sends. A repeat changes nothing."""
    try:
        what = parts.links.read_unsubscribe(token)
        _leave(parts, what)
    except (BadLink, NotFound):
        return pages.damaged()
    return pages.page("unsubscribe.html", what.customer, topic=what.topic, done=True)


def _leave(parts: Backend, what: Unsubscribe) -> None:
    source = f"link in message {what.send_id}"
    parts.database.write(
        lambda session: unsubscribing.unsubscribe(
            session, what.customer, what.topic, source, parts.clock(), what.send_id
        )
    )
