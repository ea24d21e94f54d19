"""Pause, resume, skip, move, end: each asked once more, with what will happen, before it is done."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge import controls
from api.edge.controls import WantedControl
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from journeys.machine.woken import restored
from services.definitions.journey_versions import journeys
from services.enrollments.forecast import enrollment_forecast
from services.errors import InvalidInput, Refused
from services.reports.customer import customer_view
from store.ids import new_id
from workflows.gateway import TemporalUnavailable

router = APIRouter(
    prefix="/enrollments", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

ControlForm = Literal["pause", "resume", "skip", "move", "exit", "retry"]

ONCE = r"^ctl_[0-9a-z]{24}$"
"""The id of a control that is asked for."""

EFFECTS: Mapping[str, str] = {
    "pause": "They keep their place. Nothing is sent until somebody resumes it; what they do meanwhile is recorded, "
    "and worked off then.",
    "resume": "They go on where they stopped: first what they did meanwhile, then what is overdue, as its step says.",
    "skip": "The step that they wait in is passed over, and the next one begins at once.",
    "move": "They leave the stage where they are, and enter the other anew: its mails may go to them again. Mail of "
    "the stage that they leave, and that has not gone yet, is taken back.",
    "retry": "What ended in an error is tried again at once. Where it ends in an error still, they stay as they are.",
    "exit": "Their run ends for good. Mail that has not gone yet is taken back. They enter again only as the journey's "
    "rule for that allows.",
}
"""What each control does, in words."""


@router.get("/{id}/{verb}", response_class=HTMLResponse)
def ask(id: str, verb: ControlForm, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    return _question(frame, session, id, verb)


@router.post("/{id}/{verb}", response_class=RedirectResponse)
async def do(
    id: str,
    verb: ControlForm,
    frame: TheFrame,
    looks: SupportUser,
    reason: Annotated[str, Form(max_length=200)] = "",
    place: Annotated[str, Form(max_length=300)] = "",
    once: Annotated[str | None, Form(pattern=ONCE)] = None,
) -> Response:
    """Do it, and go back to the customer; a refusal is told beside the question.

    A form that is posted twice is done once: it carries the id of what it asks for.
    """
    if verb == "retry":
        return await run_in_threadpool(_try_again, frame, id, looks.actor)
    stage, _, step = place.partition(" ")
    to = (stage, step or None) if verb == "move" else None
    wanted = WantedControl(verb=verb, said=reason, to=to, once=once)
    try:
        run = await controls.ask_and_wait(frame.parts, id, looks.actor, wanted, frame.parts.database.write)
    except (Refused, InvalidInput, TemporalUnavailable) as refused:
        return await run_in_threadpool(_refused, frame, id, verb, str(refused))
    return RedirectResponse(f"/customers/{run.customer_id}", 303)


def _try_again(frame: Frame, id: str, caller: str) -> Response:
    try:
        run = controls.try_again(frame.parts, id, caller, frame.parts.database.write)
    except Refused as refused:
        return _refused(frame, id, "retry", str(refused))
    return RedirectResponse(f"/customers/{run.customer_id}", 303)


def _refused(frame: Frame, id: str, verb: ControlForm, why: str) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        return _question(frame, session, id, verb, problem=why, status=409)


def _question(
    frame: Frame, session: Session, id: str, verb: ControlForm, *, problem: str = "", status: int = 200
) -> HTMLResponse:
    run = customer_view.enrollment(session, id)
    customer = customer_view.customer(session, run.customer_id)
    program = journeys.compiled(session, run.digest)
    places = [(stage, sorted(program.steps_of(stage))) for stage in program.stages] if verb == "move" else []
    stands = restored(run.state)
    ahead = enrollment_forecast.next_actions(session, run, stands, frame.parts.clock()) if verb != "retry" else []
    return frame.page(
        "customers/change.html", status=status, run=run, customer=customer, verb=verb, effect=EFFECTS[verb],
        places=places, ahead=ahead[:3], problem=problem, once=new_id("ctl"),
    )  # fmt: skip
