"""A test mail to one address: asked once more, with what will go to whom, before it is sent."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.edge import form_values, template_renders
from api.edge.own_pages import own_form
from api.edge.render_turns import TheRenderTurns
from api.pages.frame import posted_once
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.posted_once import Once
from api.pages.frame.problems import PageRoute
from api.pages.templates.asked_preview import AskedPreview, TheAskedByForm, TheAskedForTest
from api.pages.templates.one_template import LookedAt, look_at
from api.schemas.templates import TestMailIn
from services.customers import suppressions
from services.errors import InvalidInput, NotFound

router = APIRouter(
    prefix="/templates", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

WantedAddress = Annotated[str, Form(max_length=320)]


@router.get("/{key}/test", response_class=HTMLResponse)
async def to_whom(
    key: str, frame: TheFrame, looks: MarketerUser, turns: TheRenderTurns, asked: TheAskedForTest
) -> HTMLResponse:
    """To which address, and as whose mail."""
    found = await look_at(frame, turns, looks.actor, key, asked)
    return await _shown(frame, key, asked, found, looks.email, problem=found.problem)


@router.post("/{key}/test/ask", response_class=HTMLResponse)
async def ask(
    key: str, frame: TheFrame, looks: MarketerUser, turns: TheRenderTurns, asked: TheAskedByForm, to: WantedAddress = ""
) -> HTMLResponse:
    """What will go to whom; what is wrong is told beside the form."""
    found = await look_at(frame, turns, looks.actor, key, asked)
    problem = found.problem or _wrong_with(to)
    return await _shown(frame, key, asked, found, to, sure=not problem, problem=problem, status=422 if problem else 200)


def _wrong_with(to: str) -> str:
    try:
        suppressions.address(to)
    except InvalidInput as wrong:
        return str(wrong)
    return ""


@router.post("/{key}/test", response_class=RedirectResponse)
async def send(
    key: str,
    frame: TheFrame,
    looks: MarketerUser,
    turns: TheRenderTurns,
    asked: TheAskedByForm,
    to: WantedAddress = "",
    once: Once = "",
) -> Response:
    """Send it, and show what becomes of it; a form that is posted twice sends one mail."""
    parts, now = frame.parts, frame.parts.clock()

    def work(session: Session) -> str:
        trail = Trail(frame.request, session, now)
        mail = form_values.read(TestMailIn, {**asked.wanted().model_dump(), "to": to})
        return posted_once.do(
            frame, session, once, mail.model_dump_json(),
            lambda: template_renders.start_test(parts, session, trail, key, mail, looks.actor, now).id,
        )  # fmt: skip

    try:
        operation = await run_in_threadpool(parts.database.write, work)
    except (InvalidInput, NotFound) as problem:
        found = await look_at(frame, turns, looks.actor, key, asked)
        return await _shown(frame, key, asked, found, to, problem=str(problem), status=422)
    return RedirectResponse(f"/operations/{operation}", 303)


async def _shown(
    frame: Frame,
    key: str,
    asked: AskedPreview,
    found: LookedAt,
    to: str,
    *,
    sure: bool = False,
    problem: str = "",
    status: int = 200,
) -> HTMLResponse:
    """The form, or (`sure`) the question whether that is meant."""
    return await run_in_threadpool(
        frame.page, "templates/test.html", status=status, key=key, asked=asked, found=found, to=to, sure=sure,
        once=posted_once.token(), problem=problem, call=f"/v1/templates/{key}/test",
    )  # fmt: skip
