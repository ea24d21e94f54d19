"""A marketer lets one customer into a journey by hand: asked once more, with what will happen."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.enrollments import EnrollmentOut
from services.definitions.journey_versions import journeys
from services.enrollments.entering import entry
from services.enrollments.entering.entry import Admission
from services.errors import InvalidInput, NotFound, Refused
from services.reports.customer import customer_view
from store.queries.enrollment import enrollments
from store.queries.identity import customers

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


@router.get("/{id}/enter", response_class=HTMLResponse)
def ask(id: str, frame: TheFrame, looks: MarketerUser, session: Reading) -> HTMLResponse:
    """Which journey, what will happen, and whether that is meant."""
    return _question(frame, session, id)


@router.post("/{id}/enter", response_class=RedirectResponse)
def do(
    id: str,
    frame: TheFrame,
    looks: MarketerUser,
    now: Now,
    journey: Annotated[str, Form(max_length=63)],
    reason: Annotated[str, Form(max_length=200)] = "",
) -> Response:
    """Start the run, as the journey's rule for entering again allows; a refusal is told beside the question."""

    def work(session: Session) -> None:
        version, program = journeys.live(session, journey)
        customer = customer_view.customer(session, id)
        customers.lock(session, customer.id)
        last = enrollments.last_run(session, journey, customer.id)
        before = EnrollmentOut.model_validate(last) if last is not None else None
        started = entry.enroll(session, version, program, customer, Admission(source="person"), now)
        after = EnrollmentOut.model_validate(started)
        Trail(frame.request, session, now).note("enrolled", "enrollment", started.id, before, after, reason)

    try:
        frame.parts.database.write(work)
    except (Refused, InvalidInput, NotFound) as refused:
        with frame.parts.database.reading() as session:
            return _question(frame, session, id, problem=str(refused), status=409)
    return RedirectResponse(f"/customers/{id}", 303)


def _question(frame: Frame, session: Session, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    customer = customer_view.customer(session, id)
    live = sorted(version.journey for version, _ in journeys.all_live(session))
    return frame.page("customers/enter.html", status=status, customer=customer, journeys=live, problem=problem)
