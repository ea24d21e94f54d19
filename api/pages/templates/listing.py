"""All templates: who sends each, in which languages it is, how large; and a new one begun under a key of its own."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.backend import Backend
from api.deps.paging import Paging, ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from readers.keys import KEY
from services.reports.listings import template_list
from services.reports.listings.template_list import TemplateFile

router = APIRouter(
    prefix="/templates", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


@router.get("", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage) -> HTMLResponse:
    """By key, a page at a time."""
    return _shown(frame, session, page)


@router.post("", response_class=RedirectResponse)
def begin(
    frame: TheFrame, looks: MarketerUser, session: Reading, page: ThePage, key: Annotated[str, Form()] = ""
) -> Response:
    """The editor of a key: nothing is kept before it is saved there."""
    wanted = key.strip()
    if not KEY.fullmatch(wanted):
        why = f"{wanted[:63]!r} is no key: it begins with a letter, then letters, digits, _ and -, 63 of them at most"
        return _shown(frame, session, page, problem=why, key=wanted[:63])
    return RedirectResponse(f"/templates/{wanted}/edit", 303)


def _shown(frame: Frame, session: Session, page: Paging, *, problem: str = "", key: str = "") -> HTMLResponse:
    keys = sorted(one for one in frame.parts.templates() if page.cursor is None or one > page.cursor)
    here = keys[: page.limit]
    files = {one: _file(frame.parts, one) for one in here if one in frame.parts.template_files()}
    return frame.page(
        "templates/templates.html", status=422 if problem else 200, problem=problem, key=key,
        templates=template_list.lines(session, here, files), cursor=here[-1] if len(keys) > page.limit else None,
        call="/v1/templates",
    )  # fmt: skip


def _file(parts: Backend, key: str) -> TemplateFile:
    texts = parts.template_file(key)
    return TemplateFile(languages=sorted(tag for tag in texts if tag), size=len(texts[None].html.encode()))
