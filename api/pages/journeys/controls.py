"""Pause, resume and archive a whole journey: each asked once more, with what will happen and to how many."""

from collections.abc import Callable, Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now, Reading
from api.edge import journey_controls
from api.edge.heavy_work import TheHeavyWork
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.journeys import ArchiveIn, PauseIn, ResumeIn
from journeys.language.words import Late
from services.changes import resume_plan
from services.changes.resuming import ResumeScope
from services.definitions.journey_versions import journeys
from services.errors import NotFound, Refused
from services.reports.listings import journey_view
from store.queries.figures import counts

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

JourneyControl = Literal["pause", "resume", "archive"]

EFFECTS: Mapping[JourneyControl, str] = {
    "pause": "They keep their place. Nothing is sent until somebody resumes it, what is planned is held, and "
    "whoever enters meanwhile waits too. What they do is recorded, and worked off then.",
    "resume": "They go on where they stopped: first what they did meanwhile, then what is overdue.",
    "archive": "Nobody is let in any more, and webhooks and notes that it has not made yet are withdrawn. Its numbers "
    "and its versions stay. To publish it brings it back.",
}
"""What each control does, in words."""

PausedStage = Annotated[str, Form(max_length=63)]


@router.get("/{key}/pause", response_class=HTMLResponse)
def ask_pause(key: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What a pause would do, to all of them or in one stage."""
    return _question(frame, session, key, "pause")


@router.get("/{key}/resume", response_class=HTMLResponse)
def ask_resume(key: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What a resume would do, and what becomes of what is overdue."""
    return _question(frame, session, key, "resume")


@router.get("/{key}/archive", response_class=HTMLResponse)
def ask_archive(key: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What it would do, and what becomes of those who are under way."""
    return _question(frame, session, key, "archive")


@router.get("/{key}/resume/plan", response_class=HTMLResponse)
async def resume_would_send(
    key: str, frame: TheFrame, looks: MarketerUser, now: Now, heavy: TheHeavyWork, stage: str = "", late: str = ""
) -> HTMLResponse:
    """The mails that a resume would send, hold and skip: it looks at each customer."""
    asked = ResumeIn.model_validate({"stage": stage or None, "late": late or None})

    def look() -> HTMLResponse:
        with frame.parts.database.reading() as session:
            standing = journey_view.standing(session, key)
            found = resume_plan.of_journey(session, key, now, ResumeScope(stage=asked.stage, late=asked.late))
        name = "journeys/resume_plan_part.html" if frame.in_part else "journeys/resume_plan.html"
        return frame.page(name, standing=standing, found=found.as_json())

    return await heavy.run(look)


@router.post("/{key}/pause", response_class=RedirectResponse)
def pause(key: str, frame: TheFrame, looks: MarketerUser, now: Now, stage: PausedStage = "") -> Response:
    """Do it; a refusal is told beside the question."""

    def work(session: Session, trail: Trail) -> None:
        journey_controls.pause(session, trail, key, now, PauseIn(stage=stage or None))

    return _done(frame, key, "pause", work)


@router.post("/{key}/resume", response_class=RedirectResponse)
def resume(
    key: str,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    stage: PausedStage = "",
    late: Annotated[Late | Literal[""], Form()] = "",
) -> Response:
    """Do it, and show how the operation goes that tells them; a refusal is told beside the question."""

    def work(session: Session, trail: Trail) -> str | None:
        asked = ResumeIn(stage=stage or None, late=late or None)
        return journey_controls.resume(session, trail, key, now, asked, looks.actor).operation

    return _done(frame, key, "resume", work)


@router.post("/{key}/archive", response_class=RedirectResponse)
def archive(
    key: str,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    in_flight: Annotated[Literal["finish", "exit"], Form()] = "finish",
) -> Response:
    """Do it; where they leave at once, show how that goes."""

    def work(session: Session, trail: Trail) -> str | None:
        asked = ArchiveIn(in_flight=in_flight)
        return journey_controls.archive(session, trail, key, now, asked, looks.actor).operation

    return _done(frame, key, "archive", work)


def _done(frame: Frame, key: str, verb: JourneyControl, work: Callable[[Session, Trail], str | None]) -> Response:
    now = frame.parts.clock()
    try:
        operation = frame.parts.database.write(lambda session: work(session, Trail(frame.request, session, now)))
    except (Refused, NotFound) as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, key, verb, problem=str(refused), status=409)
    return RedirectResponse(f"/operations/{operation}" if operation else f"/journeys/{key}", 303)


def _question(
    frame: Frame, session: Session, key: str, verb: JourneyControl, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    standing = journey_view.standing(session, key)
    stages = counts.stages(session, key)
    return frame.page(
        "journeys/control.html", status=status, standing=standing, verb=verb, effect=EFFECTS[verb], problem=problem,
        live=sum(stages.values()), stages=stages, places=journey_view.places(journeys.definition(session, key)),
    )  # fmt: skip
