"""A mail that hours or a cap hold, let past them: asked once more, with a reason that is kept."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame import confirmations
from api.pages.frame.confirmations import LONGEST_REASON, ActionConfirmation
from api.pages.frame.formats import words
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.messages import MessageOut
from journeys.rules.policy import REASONS
from services.errors import InvalidInput, Refused
from services.messages.waiting import held_by_hours
from services.reports.customer import customer_view

router = APIRouter(prefix="/messages", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("/{id}/send-now", response_class=HTMLResponse)
def ask(id: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """What holds it, and what becomes of it."""
    return _question(frame, session, id)


@router.post("/{id}/send-now", response_class=RedirectResponse)
def do(
    id: str,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:
    """Plan it for now, and go back to the mail; a refusal is told beside the question."""

    def work(session: Session) -> None:
        if not reason.strip():
            raise InvalidInput("say why it may not wait for its hour", "reason")
        before = MessageOut.model_validate(customer_view.message(session, id)[0])
        after = MessageOut.model_validate(held_by_hours.let_past(session, id, f"let past by {looks.actor}", now))
        trail = Trail(frame.request, session, now)
        trail.note("sent past hours and caps", "message", id, before, after, reason.strip())

    try:
        frame.parts.database.write(work)
    except (Refused, InvalidInput) as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, id, problem=str(refused), status=409)
    return RedirectResponse(f"/messages/{id}", 303)


def _question(frame: Frame, session: Session, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    message, _ = customer_view.message(session, id)
    held = held_by_hours.reason(session, message, frame.parts.clock())
    name, to = words(message.template), message.email or "their address"
    told = [
        f"It goes to {to} at once, past quiet hours, its send window and caps.",
        "A no, a suppression and every other policy are asked as ever.",
        "The journey goes on when it would have.",
    ]
    why = f"It waits: {REASONS[held]}." if held is not None else "It is held by no hours and by no cap any more."
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"Send {name} past that?", told=[why, *told] if held is not None else [why],
            action=f"/messages/{id}/send-now", verb="Send it past that", back=f"/messages/{id}",
            crumbs=[("Mails", "/messages"), (name, f"/messages/{id}")], call=f"/v1/messages/{id}/send-now", why="must",
        ),
        problem=problem, status=status,
    )  # fmt: skip
