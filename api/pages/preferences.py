"""The preference page: which topics, with a link out of a mail and without a login."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.deps.backend import Backend, TheBackend
from api.pages.html import damaged, expired, page
from mail.links import BadLink, ExpiredLink, Preferences
from services.errors import NotFound
from services.feedback import preferences

router = APIRouter(prefix="/preferences", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Show what one gets", responses=_DAMAGED)
def ask(token: str, parts: TheBackend) -> HTMLResponse:
    """Changes nothing."""
    try:
        return _shown(parts, parts.links.read_preferences(token, parts.clock()), saved=False)
    except ExpiredLink:
        return expired(parts.brand)
    except (BadLink, NotFound):
        return damaged()


@router.post("/{token}", response_class=HTMLResponse, summary="Choose what one gets", responses=_DAMAGED)
async def act(token: str, parts: TheBackend, topic: Annotated[list[str] | None, Form()] = None) -> HTMLResponse:
    """`topic` is each that was ticked; what was not is left."""
    try:
        what = parts.links.read_preferences(token, parts.clock())
        await run_in_threadpool(_choose, parts, what, set(topic or ()))
        return await run_in_threadpool(_shown, parts, what, saved=True)
    except ExpiredLink:
        return expired(parts.brand)
    except (BadLink, NotFound):
        return damaged()


def _choose(parts: Backend, what: Preferences, wanted: set[str]) -> None:
    def work(session: Session) -> None:
        preferences.choices(session, what.customer, what.send_id)
        preferences.choose(session, what.customer, wanted, what.send_id, parts.clock())

    parts.database.write(work)


def _shown(parts: Backend, what: Preferences, *, saved: bool) -> HTMLResponse:
    with parts.database.reading() as session:
        choices = preferences.choices(session, what.customer, what.send_id)
    return page("preferences.html", brand=parts.brand, choices=choices, saved=saved)
