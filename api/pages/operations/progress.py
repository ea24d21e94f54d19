"""How far a piece of long work is: a bar, the rate, the time left, what came of it, and a way to stop it."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from services.access import audit_log
from services.errors import Refused
from services.operations import operations
from store.queries import lists
from store.queries.lists import Slice
from store.statuses import OPERATION_LIVE

router = APIRouter(
    prefix="/operations", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

ERRORS = 20
"""Things that went wrong, shown with the work: what is read at a glance. The API has all of them."""


@router.get("/{id}", response_class=HTMLResponse)
def progress(id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """How far it is; the part that htmx asks for again and again until it has ended."""
    return _shown(frame, session, id)


@router.post("/{id}/cancel", response_class=RedirectResponse)
def cancel(id: str, frame: TheFrame, looks: MarketerUser, now: Now) -> Response:
    """It stops soon; what was done stays done."""

    def work(session: Session) -> None:
        before = operation_out(operations.get(session, id), now).model_dump(mode="json")
        after = operation_out(operations.cancel(session, id), now).model_dump(mode="json")
        audit_log.record(session, looks.actor, "cancelled", "operation", id, now, before, after)

    try:
        frame.parts.database.write(work)
    except Refused as refused:
        with frame.parts.database.reading() as session:
            return _shown(frame, session, id, problem=str(refused), status=409)
    return RedirectResponse(f"/operations/{id}", 303)


def _shown(frame: Frame, session: Session, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    found = operations.get(session, id)
    operation = operation_out(found, frame.parts.clock())
    errors = lists.operation_errors(session, Slice(limit=ERRORS), id)[0] if operation.error_count else ()
    result = operation.result or {}
    name = "operations/progress_part.html" if frame.in_part else "operations/progress.html"
    return frame.page(
        name, status=status, operation=operation, under_way=operation.status in OPERATION_LIVE, errors=errors,
        told={key: value for key, value in result.items() if isinstance(value, int | float | str)}, problem=problem,
        journey=found.request.get("journey"), call=f"/v1/operations/{id}",
        as_json=operation.model_dump_json(indent=2),
    )  # fmt: skip
