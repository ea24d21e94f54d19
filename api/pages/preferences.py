"""The preference page: which topics, with a link out of a mail and without a login."""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.deps.backend import TheBackend
from api.pages.recipient import RecipientPages, ThePages
from mail.signed_links import BadLink, ExpiredLink, Preferences
from services.errors import NotFound
from services.feedback.answers import preferences

router = APIRouter(prefix="/preferences", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Show what one gets", responses=_DAMAGED)
def ask(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """Changes nothing."""
    try:
        return _shown(pages, parts.links.read_preferences(token, parts.clock()), saved=False)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()


@router.post("/{token}", response_class=HTMLResponse, summary="Choose what one gets", responses=_DAMAGED)
def act(
    token: str, parts: TheBackend, pages: ThePages, topic: Annotated[list[str] | None, Form()] = None
) -> HTMLResponse:
    """`topic` is each that was ticked; what was not is left."""
    try:
        what = parts.links.read_preferences(token, parts.clock())
        _choose(pages, what, set(topic or ()))
        return _shown(pages, what, saved=True)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()


def _choose(pages: RecipientPages, what: Preferences, wanted: set[str]) -> None:
    agreed = {**preferences.AGREED, "text": pages.translate(what.customer)(preferences.TEXT)}

    def work(session: Session) -> None:
        preferences.choices(session, what.customer, what.send_id)
        preferences.choose(session, what.customer, wanted, what.send_id, pages.parts.clock(), agreed)

    pages.parts.database.write(work)


def _shown(pages: RecipientPages, what: Preferences, *, saved: bool) -> HTMLResponse:
    wanted = pages.languages(what.customer)
    with pages.parts.database.reading() as session:
        choices = preferences.choices(session, what.customer, what.send_id, wanted)
    return pages.page("preferences.html", what.customer, choices=choices, saved=saved)
