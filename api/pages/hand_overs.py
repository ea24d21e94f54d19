"""What colleagues answer to notes: GET changes nothing, since scanners follow links; a POST is an answer.

The page needs no sign-in: who holds the link was told of the customer by the note. It says nothing of the customer, and
is in English as the note's links are.
"""

from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from api.deps.backend import Backend, TheBackend
from api.pages.html import page
from api.pages.recipient import ThePages
from api.pages.self_sending import SENDS_ITSELF_ONCE_MOVED
from mail.signed_links import BadLink, ExpiredLink
from readers.hand_over_answers import LABELS, HandOverAnswer
from services.errors import NotFound, Refused
from services.feedback.answers import hand_overs

router = APIRouter(prefix="/hand-over", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged, or its note is gone", "content": {"text/html": {}}},
    409: {"description": "The note was given up", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Show an answer to a note", responses=_DAMAGED)
def ask(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """Changes nothing."""
    try:
        what = parts.links.read_hand_over(token, parts.clock())
        with parts.database.reading() as session:
            hand_overs.look(session, what.note)
        return _shown(parts, chosen=what.answer, **SENDS_ITSELF_ONCE_MOVED)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()
    except Refused:
        return _shown(parts, status=409)


@router.post("/{token}", response_class=HTMLResponse, summary="Answer a note", responses=_DAMAGED)
def act(
    token: str, parts: TheBackend, pages: ThePages, answer: Annotated[HandOverAnswer | None, Form()] = None
) -> HTMLResponse:
    """The answer of the link, or another one that was chosen on the page; a repeat changes nothing."""
    try:
        now = parts.clock()
        what = parts.links.read_hand_over(token, now)
        said = answer or what.answer
        kept = parts.database.write(lambda session: hand_overs.answer(session, what.note, said, now))
        return _shown(parts, kept=kept.answer)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()
    except Refused:
        return _shown(parts, status=409)


def _shown(parts: Backend, **context: Any) -> HTMLResponse:
    return page("hand_over.html", brand=parts.brand, labels=LABELS, **context)
