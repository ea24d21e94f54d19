"""The editor of a template: what is wrong is told and the mail is shown as one types, and a version is saved.

Nothing is kept before it is saved. Who saves what they had not seen changed meanwhile is shown both.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.edge import stored_templates, template_renders
from api.edge.limits import LARGEST_FORM
from api.edge.own_pages import own_form
from api.edge.render_turns import RenderTurns, TheRenderTurns
from api.errors import ApiError
from api.pages.frame import framed_mail
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.new_keys import NewKey
from api.pages.frame.problems import PageRoute
from api.pages.templates import written_texts
from api.pages.templates.asked_preview import LOOKS, TheAskedByForm
from api.pages.templates.changed_parts import changes
from api.pages.templates.written_texts import TheWrittenTemplate, WrittenTemplate, WrittenTexts
from api.schemas.templates import TemplateOut
from services.definitions import templates
from services.errors import InvalidInput, NotFound
from services.reports.listings import template_list
from services.values import Rejected

router = APIRouter(
    prefix="/templates", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)],
    form_limits={"max_part_size": LARGEST_FORM},
)  # fmt: skip

WRONG = (ApiError, InvalidInput, NotFound, Rejected)
"""What is told of a text that cannot be taken as it is."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JudgedTexts:
    """What was found about the texts in one language; `problem` is why they give no mail at all."""

    tag: str
    problem: str = ""
    warnings: Sequence[str] = ()


class TemplateConflict(Exception):
    """Somebody has saved, or removed (None), what the author had before them."""

    def __init__(self, stored: TemplateOut | None) -> None:
        super().__init__("somebody has saved it meanwhile")
        self.stored = stored


@router.get("/{key}/edit", response_class=HTMLResponse)
async def edit(key: NewKey, frame: TheFrame, looks: MarketerUser, turns: TheRenderTurns) -> HTMLResponse:
    """The newest version, or the file, to go on with; a template that is not there begins with a few lines."""
    present, texts = await run_in_threadpool(_open, frame, key)
    own = [await turns.run(looks.actor, lambda one=one: _with_own_text(frame, key, one)) for one in texts]
    judged = [await _judge(frame, turns, looks.actor, key, one) for one in own]
    return await run_in_threadpool(_show, frame, key, own, written_texts.seen_of(present), judged)


def _open(frame: Frame, key: str) -> tuple[TemplateOut | None, Sequence[WrittenTexts]]:
    with frame.parts.database.reading() as session:
        found = templates.find(session, key)
    if found is None and key not in frame.parts.template_files():
        return None, written_texts.begun()
    shown = stored_templates.shown(frame.parts, found, key)
    return (shown if found is not None else None), written_texts.of(shown)


def _with_own_text(frame: Frame, key: str, one: WrittenTexts) -> WrittenTexts:
    """Without the text part where that was made of the HTML: it is made anew of what is written."""
    try:
        made = template_renders.checked(frame.parts, key, one.tag or None, replace(one, text="").read())[0]
    except WRONG:
        return one
    return replace(one, text="") if made.text.strip() == one.text.strip() else one


@router.post("/{key}/edit", response_class=HTMLResponse)
async def save(
    key: NewKey, frame: TheFrame, looks: MarketerUser, turns: TheRenderTurns, written: TheWrittenTemplate
) -> Response:
    """A new version, sent from now on; nobody's is written over by whoever has not seen it."""
    parts, now = frame.parts, frame.parts.clock()

    try:
        offered = await stored_templates.judged(parts, turns, looks.actor, key, written.body())
    except WRONG as wrong:
        return await _shown_again(frame, turns, looks.actor, key, written, str(wrong))

    def work(session: Session) -> None:
        present = stored_templates.present(session, key)
        if written_texts.seen_of(present) != written.seen:
            raise TemplateConflict(present)
        stored_templates.store(session, Trail(frame.request, session, now), key, offered, now)

    try:
        await run_in_threadpool(parts.database.write, work)
    except TemplateConflict as conflict:
        return await run_in_threadpool(_show_both, frame, key, written, conflict.stored)
    return RedirectResponse(f"/templates/{key}", 303)


@router.post("/{key}/edit/check", response_class=HTMLResponse)
async def check(
    key: NewKey, frame: TheFrame, looks: MarketerUser, turns: TheRenderTurns, written: TheWrittenTemplate
) -> HTMLResponse:
    """What is wrong with the texts, and whether somebody has saved meanwhile; nothing is kept."""
    if not frame.in_part:
        return await _shown_again(frame, turns, looks.actor, key, written)
    judged = [await _judge(frame, turns, looks.actor, key, one) for one in written.texts]
    meanwhile = await run_in_threadpool(_meanwhile, frame, key, written.seen)
    return await run_in_threadpool(frame.page, "templates/checked.html", judged=judged, meanwhile=meanwhile)


def _meanwhile(frame: Frame, key: str, seen: str) -> str:
    """Who has saved since, or that it was removed; empty where nobody has."""
    with frame.parts.database.reading() as session:
        present = stored_templates.present(session, key)
        if written_texts.seen_of(present) == seen:
            return ""
        return (
            f"{_author(session, key, present) or 'Somebody'} has saved"
            if present is not None
            else "Somebody has removed it"
        )


def _author(session: Session, key: str, present: TemplateOut) -> str:
    """Who saved this version; empty where nobody knows."""
    newest = templates.version(session, key, present.version or 0)
    return template_list.authors(session, key, [newest]).get(newest.number, "")


async def _judge(frame: Frame, turns: RenderTurns, caller: str, key: str, one: WrittenTexts) -> JudgedTexts:
    if one.tag and one.blank:
        return JudgedTexts(tag=one.tag, warnings=("nothing is written: it is left out",))
    try:
        found = await turns.run(
            caller, lambda: template_renders.checked(frame.parts, key, one.tag or None, one.read())
        )  # fmt: skip
    except WRONG as wrong:
        return JudgedTexts(tag=one.tag, problem=str(wrong).removeprefix(f"{one.tag}: "))
    return JudgedTexts(tag=one.tag, warnings=found[1])


@router.post("/{key}/edit/preview", response_class=HTMLResponse)
async def preview(
    key: NewKey,
    frame: TheFrame,
    looks: MarketerUser,
    turns: TheRenderTurns,
    written: TheWrittenTemplate,
    asked: TheAskedByForm,
) -> HTMLResponse:
    """What is written as a mail, for the frame beside it; what is wrong is a sentence there."""
    one = written.in_language(asked.locale)

    def make() -> HTMLResponse:
        mail = template_renders.preview_written(frame.parts, key, one.tag or None, one.read(), asked.wanted())
        return framed_mail.plain(mail.text) if asked.look == "text" else framed_mail.framed(mail.html, dark=asked.dark)

    try:
        return await turns.run(looks.actor, make)
    except WRONG as wrong:
        return framed_mail.told(str(wrong))


@router.post("/{key}/edit/language", response_class=HTMLResponse)
async def add_language(
    key: NewKey,
    frame: TheFrame,
    looks: MarketerUser,
    turns: TheRenderTurns,
    written: TheWrittenTemplate,
    more: Annotated[str, Form(max_length=35)] = "",
) -> HTMLResponse:
    """The same page with one more language; nothing is kept."""
    try:
        written.texts = [*written.with_language(more)]
    except InvalidInput as wrong:
        return await _shown_again(frame, turns, looks.actor, key, written, str(wrong))
    return await _shown_again(frame, turns, looks.actor, key, written)


async def _shown_again(
    frame: Frame, turns: RenderTurns, caller: str, key: str, written: WrittenTemplate, problem: str = ""
) -> HTMLResponse:
    judged = [await _judge(frame, turns, caller, key, one) for one in written.texts]
    return await run_in_threadpool(_show, frame, key, written.texts, written.seen, judged, problem)


def _show(
    frame: Frame,
    key: str,
    texts: Sequence[WrittenTexts],
    seen: str,
    judged: Sequence[JudgedTexts],
    problem: str = "",
) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        present = stored_templates.present(session, key)
        known = key in frame.parts.templates()
        usage = stored_templates.usage(session, frame.parts, key) if known else None
        author = _author(session, key, present) if present is not None else ""
    return frame.page(
        "templates/editor.html", status=422 if problem else 200, key=key, texts=texts, seen=seen, judged=judged,
        problem=problem, template=present, usage=usage, author=author, looked=LOOKS,
        meanwhile=_meanwhile(frame, key, seen), call=f"/v1/templates/{key}",
    )  # fmt: skip


def _show_both(frame: Frame, key: str, written: WrittenTemplate, stored: TemplateOut | None) -> HTMLResponse:
    """Theirs (None: removed) and mine, what the one changes of the other, and the ways on."""
    with frame.parts.database.reading() as session:
        author = _author(session, key, stored) if stored is not None else ""
    theirs = written_texts.of(stored) if stored is not None else ()
    return frame.page(
        "templates/conflict.html", status=409, key=key, stored=stored, author=author, texts=written.texts,
        seen=written_texts.seen_of(stored), changes=changes(theirs, written.texts, ("theirs", "yours")),
    )  # fmt: skip
