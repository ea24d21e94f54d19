"""Answers to the surveys of mails: GET changes nothing, since scanners follow links; a POST is an answer.

The page that a link leads to sends its form by itself where somebody looks at it, so that a person answers with one
click. It is shown again with a thank-you, every other answer, and room for words.
"""

from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from api.deps.backend import TheBackend
from api.pages.recipient import RecipientPages, ThePages
from api.pages.self_sending import SENDS_ITSELF
from mail.signed_links import BadLink, ExpiredLink, SurveyLink
from services.errors import InvalidInput, NotFound
from services.feedback.answers import survey_answers
from services.feedback.answers.survey_answers import LONGEST, Given

router = APIRouter(prefix="/s", tags=["recipients"])

_DAMAGED: dict[int | str, dict[str, Any]] = {
    404: {"description": "The link is damaged, or its mail is gone", "content": {"text/html": {}}},
    410: {"description": "The link has expired", "content": {"text/html": {}}},
}


@router.get("/{token}", response_class=HTMLResponse, summary="Show an answer to a survey", responses=_DAMAGED)
def ask(token: str, parts: TheBackend, pages: ThePages) -> HTMLResponse:
    """Changes nothing."""
    try:
        what = parts.links.read_survey(token, parts.clock())
        return _shown(pages, what, None)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound):
        return pages.damaged()


@router.post("/{token}", response_class=HTMLResponse, summary="Answer a survey", responses=_DAMAGED)
def act(
    token: str,
    parts: TheBackend,
    pages: ThePages,
    score: Annotated[int | None, Form()] = None,
    words: Annotated[str | None, Form(max_length=LONGEST)] = None,
) -> HTMLResponse:
    """The answer of the link, or another one that was chosen on the page; a repeat changes nothing."""
    try:
        what = parts.links.read_survey(token, parts.clock())
        chosen, now = what.score if score is None else score, parts.clock()
        given = parts.database.write(
            lambda session: survey_answers.answer(session, what.send_id, what.scale, chosen, words, now)
        )
        return _shown(pages, what, given)
    except ExpiredLink:
        return pages.expired()
    except (BadLink, NotFound, InvalidInput):
        return pages.damaged()


def _shown(pages: RecipientPages, what: SurveyLink, given: Given | None) -> HTMLResponse:
    with pages.parts.database.reading() as session:
        customer = survey_answers.customer_of(session, what.send_id)
    script: Mapping[str, Any] = {} if given is not None else SENDS_ITSELF
    return pages.page(
        "survey.html", customer, scale=what.scale, score=what.score, given=given, longest=LONGEST, **script
    )
