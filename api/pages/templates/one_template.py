"""One template: as a customer would see it, how large it is, who sends it, and its versions, any two side by side."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form, Query
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Reading
from api.edge import stored_templates, template_renders
from api.edge.own_pages import own_form
from api.edge.render_turns import RenderTurns, TheRenderTurns
from api.errors import ApiError
from api.pages.frame import framed_mail
from api.pages.frame.formats import short
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.templates import written_texts
from api.pages.templates.asked_preview import LAST, LOOKS, AskedPreview, TheAsked
from api.pages.templates.changed_parts import changes
from api.schemas.templates import PreviewOut, TemplateOut
from mail.linting import CLIPPED
from services.definitions import templates
from services.errors import InvalidInput, NotFound, Refused
from services.reports.listings import template_list
from services.values import Rejected
from store.queries.listing import lists

router = APIRouter(
    prefix="/templates", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

WantedVersion = Annotated[int, Query(ge=1, le=LAST)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LookedAt:
    """A mail as it would go, with the bytes of its HTML; `problem` is why it would not."""

    mail: PreviewOut | None = None
    size: int = 0
    problem: str = ""


async def look_at(frame: Frame, turns: RenderTurns, caller: str, key: str, asked: AskedPreview) -> LookedAt:
    """What is asked for, or why it gives no mail; raise NotFound where there is no such template."""
    if key not in frame.parts.templates():
        raise NotFound(f"there is no template {key!r}")
    try:
        mail = await turns.run(caller, lambda: template_renders.preview(frame.parts, key, asked.wanted()))
    except (ApiError, InvalidInput, NotFound, Rejected) as problem:
        return LookedAt(problem=str(problem))
    return LookedAt(mail=mail, size=len(mail.html.encode()))


@router.get("/{key}", response_class=HTMLResponse)
async def one(
    key: str, frame: TheFrame, looks: SupportUser, turns: TheRenderTurns, page: ThePage, asked: TheAsked
) -> HTMLResponse:
    """The whole page; for htmx the mail alone, as it is asked for."""
    found = await look_at(frame, turns, looks.actor, key, asked)
    context: dict[str, Any] = {"key": key, "asked": asked, "found": found, "looked": LOOKS, "clipped": CLIPPED}
    if frame.in_part:
        return await run_in_threadpool(frame.page, "templates/preview_part.html", **context)

    def show() -> HTMLResponse:
        with frame.parts.database.reading() as session:
            shown = stored_templates.shown(frame.parts, templates.find(session, key), key)
            rows, cursor = lists.template_versions(session, page.slice("-number"), key)
            return frame.page(
                "templates/template.html",
                **context,
                template=shown,
                versions=rows,
                cursor=cursor,
                authors=template_list.authors(session, key, rows),
                usage=stored_templates.usage(session, frame.parts, key),
                built_in=key in frame.parts.template_files(),
                call=f"/v1/templates/{key}",
                as_json=_drawer(shown),
            )  # fmt: skip

    return await run_in_threadpool(show)


def _drawer(shown: TemplateOut) -> str:
    """The template as the API tells it, long texts cut."""
    begun = {name: short(getattr(shown, name)) for name in ("html", "text")}
    return shown.model_copy(update=begun).model_dump_json(indent=2, exclude={"locales"})


@router.get("/{key}/body", response_class=HTMLResponse)
async def body(key: str, frame: TheFrame, looks: SupportUser, turns: TheRenderTurns, asked: TheAsked) -> HTMLResponse:
    """The HTML of the mail, for the frame."""
    found = await look_at(frame, turns, looks.actor, key, asked)
    if found.mail is None:
        return framed_mail.told(found.problem)
    return await run_in_threadpool(framed_mail.framed, found.mail.html, dark=asked.dark)


@router.get("/{key}/compare", response_class=HTMLResponse)
def compare(
    key: str, frame: TheFrame, looks: SupportUser, session: Reading, before: WantedVersion, after: WantedVersion
) -> HTMLResponse:
    """Two versions: each as a customer would see it, and what differs line by line."""
    rows = [templates.version(session, key, number) for number in (before, after)]
    old, new = (stored_templates.kept(one) for one in rows)
    names = (f"version {before}", f"version {after}")
    return frame.page(
        "templates/compare.html", key=key, before=old, after=new, authors=template_list.authors(session, key, rows),
        changes=changes(written_texts.of(old), written_texts.of(new), names), call=f"/v1/templates/{key}/versions",
    )  # fmt: skip


@router.get("/{key}/remove", response_class=HTMLResponse)
def ask_remove(key: str, frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """What would go, and what takes its place."""
    return _removal(frame, key)


@router.post("/{key}/remove", response_class=RedirectResponse)
def remove(key: str, frame: TheFrame, looks: MarketerUser, seen: Annotated[str, Form(max_length=64)] = "") -> Response:
    """Let it go with its versions; a refusal, and what was saved since, is told beside the question."""
    parts, now = frame.parts, frame.parts.clock()

    def work(session: Session) -> None:
        if written_texts.seen_of(stored_templates.present(session, key)) != seen:
            raise Refused("somebody has saved a version since you looked; it is told anew below")
        stored_templates.remove(session, Trail(frame.request, session, now), parts, key)

    try:
        parts.database.write(work)
    except Refused as refused:
        return _removal(frame, key, problem=str(refused), status=409)
    return RedirectResponse("/templates", 303)


def _removal(frame: Frame, key: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        present = stored_templates.present(session, key)
        if present is None:
            raise NotFound(f"no template {key!r} is kept here")
        usage = stored_templates.usage(session, frame.parts, key)
    return frame.page(
        "templates/remove.html", status=status, key=key, template=present, usage=usage, problem=problem,
        built_in=key in frame.parts.template_files(), seen=written_texts.seen_of(present),
    )  # fmt: skip
