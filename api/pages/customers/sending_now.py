"""A mail that a customer waits for, sent now: asked once more, with what would become of it at this moment."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge import controls
from api.edge.controls import WantedControl
from api.edge.own_pages import own_form
from api.errors import ApiError
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from services.enrollments.forecast import waited_mails
from services.errors import InvalidInput, Refused
from services.reports.customer import customer_view
from workflows.gateway import TemporalUnavailable

router = APIRouter(
    prefix="/enrollments", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

LONGEST_REASON = 150
"""Characters of a reason; with what was done it is kept on two lines of the audit log."""


@router.get("/{id}/send-now", response_class=HTMLResponse)
def ask(id: str, frame: TheFrame, looks: SupportUser, session: Reading) -> HTMLResponse:
    """Which mail, what becomes of the wait, and what the policies would say now."""
    return _question(frame, session, id)


@router.post("/{id}/send-now", response_class=RedirectResponse)
async def do(
    id: str,
    frame: TheFrame,
    looks: SupportUser,
    step: Annotated[str, Form(max_length=300)] = "",
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
    past: Annotated[bool, Form()] = False,
) -> Response:
    """Pass the wait over, and go back to the customer; a refusal is told beside the question.

    `past` hours and caps a marketer lets it, and says why.
    """
    if past and not looks.may("marketer"):
        raise ApiError("forbidden", "a marketer lets a mail past quiet hours and caps")
    said = f"send now{', past hours and caps' if past else ''}{f': {reason}' if reason else ''}"
    try:
        if past and not reason.strip():
            raise InvalidInput("say why it may not wait for its hour", "reason")
        wanted = WantedControl(verb="skip", said=said, waits_in=step, past=past)
        run = await controls.ask_and_wait(frame.parts, id, looks.actor, wanted, frame.parts.database.write)
    except (Refused, InvalidInput, TemporalUnavailable) as refused:
        return await run_in_threadpool(_refused, frame, id, str(refused))
    return RedirectResponse(f"/customers/{run.customer_id}", 303)


def _refused(frame: Frame, id: str, why: str) -> HTMLResponse:
    with frame.parts.database.reading() as session:
        return _question(frame, session, id, problem=why, status=409)


def _question(frame: Frame, session: Session, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    run = customer_view.enrollment(session, id)
    customer = customer_view.customer(session, run.customer_id)
    try:
        waited = waited_mails.of(session, run, frame.parts.clock())
    except Refused as refused:
        waited, problem, status = None, problem or str(refused), 409
    return frame.page(
        "customers/send_now.html", status=status, run=run, customer=customer, waited=waited, problem=problem,
        meaning=REASONS, call=f"/v1/enrollments/{id}/skip",
    )  # fmt: skip
