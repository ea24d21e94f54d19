"""The editor: opened, saved as one types, judged as one types, discarded."""

import secrets
from dataclasses import replace

from fastapi import APIRouter, Depends
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import checked_text, desk
from api.pages.writing.desk import TheWritten, WrittenForm
from services.access import audit_log
from services.definitions.journey_versions import draft_texts
from services.definitions.journey_versions.draft_texts import OpenText, TextConflict
from services.errors import InvalidInput
from store.tables.definitions import DraftText, Journey

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("/{key}/edit", response_class=HTMLResponse)
async def edit(key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork) -> HTMLResponse:
    """The text to go on with."""
    opened = await run_in_threadpool(_open, frame, key)
    checked = await heavy.run(lambda: checked_text.check(frame.parts, key, opened.text))
    return await run_in_threadpool(desk.show, frame, key, opened.text, opened.seen, checked)


def _open(frame: Frame, key: str) -> OpenText:
    """With a name for the page on which it is written."""
    with frame.parts.database.reading() as session:
        opened = draft_texts.open_text(session, key)
    return replace(opened, seen=replace(opened.seen, sheet=secrets.token_hex(8)))


@router.post("/{key}/edit", response_class=HTMLResponse)
async def save(key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten) -> Response:
    """Keep the text, valid or not; nobody's is written over by whoever has not seen it."""
    now = frame.parts.clock()

    def work(session: Session) -> DraftText:
        return draft_texts.save(session, key, written.text, written.seen, looks.actor, now)

    try:
        row = await run_in_threadpool(frame.parts.database.write, work)
    except TextConflict as conflict:
        return await run_in_threadpool(desk.show_conflict, frame, key, conflict)
    except InvalidInput as wrong:
        return await _refused(frame, key, written, heavy, str(wrong))
    if frame.in_part:
        seen = replace(written.seen, revision=row.revision, based_on=row.based_on)
        return await run_in_threadpool(frame.page, "writing/kept.html", seen=seen, row=row)
    return RedirectResponse(f"/journeys/{key}/edit", 303)


async def _refused(frame: Frame, key: str, written: WrittenForm, heavy: TheHeavyWork, why: str) -> HTMLResponse:
    if frame.in_part:
        return await run_in_threadpool(frame.page, "writing/refused.html", status=422, why=why, seen=written.seen)
    checked = await heavy.run(lambda: checked_text.check(frame.parts, key, written.text))
    return await run_in_threadpool(
        desk.show, frame, key, written.text, written.seen, checked, status=422, problem=why
    )  # fmt: skip


@router.post("/{key}/edit/check", response_class=HTMLResponse)
async def check(
    key: str, frame: TheFrame, looks: MarketerUser, heavy: TheHeavyWork, written: TheWritten
) -> HTMLResponse:
    """What is wrong with the text, and its map; nothing is kept."""
    checked = await heavy.run(lambda: checked_text.check(frame.parts, key, written.text))
    if frame.in_part:
        return await run_in_threadpool(
            frame.page, "writing/checked.html", checked=checked, sentence=checked_text.sentence, key=key, in_part=True
        )  # fmt: skip
    return await run_in_threadpool(desk.show, frame, key, written.text, written.seen, checked)


@router.post("/{key}/edit/discard", response_class=RedirectResponse)
def discard(key: str, frame: TheFrame, looks: MarketerUser, written: TheWritten) -> Response:
    """Let the draft go; where somebody has gone on with it meanwhile, both are asked first."""
    now = frame.parts.clock()

    def work(session: Session) -> bool:
        draft_texts.discard(session, key, written.seen.revision, now)
        audit_log.record(session, looks.actor, "discarded", "journey draft", key, now)
        session.flush()
        return session.get(Journey, key) is not None

    try:
        published = frame.parts.database.write(work)
    except TextConflict as conflict:
        return desk.show_conflict(frame, key, conflict)
    return RedirectResponse(f"/journeys/{key}" if published else "/journeys/new", 303)
