"""How far a piece of long work is: a bar, the rate, the time left, what came of it, and ways to stop it."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import drawn_reports, operation_controls, operation_errors
from api.edge.operation_controls import OperationControl
from api.edge.operation_errors import Csv
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame.frame import PRIVATE, Frame, TheFrame
from api.pages.frame.pictures import NARROW, PictureWidth, picture
from api.pages.frame.problems import PageRoute
from api.pages.operations import ways_on
from pictures import axes
from services.errors import Refused
from services.operations import operations
from store.queries.access import users
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.statuses import OPERATION_LIVE

router = APIRouter(
    prefix="/operations", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

ERRORS = 20
"""Things that went wrong, shown with the work: what is read at a glance. A file has all of them."""


@router.get("/{id}", response_class=HTMLResponse)
def progress(id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """How far it is; the part that htmx asks for again and again until it has ended."""
    return _shown(frame, session, id)


@router.get("/{id}/errors.csv", response_class=Csv)
def errors_file(id: str, looks: SupportUser, session: Reading) -> Response:
    """The lines that were not taken, with their reasons, as a file."""
    answer = operation_errors.errors_file(session, id)
    answer.headers.update(PRIVATE)
    return answer


@router.get("/{id}/report.svg", response_class=Response)
def drawn(id: str, looks: SupportUser, session: Reading, width: PictureWidth = axes.WIDE) -> Response:
    """The report that it has counted."""
    return picture(drawn_reports.of_operation(operations.get(session, id), width))


@router.post("/{id}/{verb}", response_class=RedirectResponse)
def control(id: str, verb: OperationControl, frame: TheFrame, looks: MarketerUser, now: Now) -> Response:
    """It waits, goes on or stops, behind its present page; what was done stays done."""

    def work(session: Session) -> None:
        operation_controls.control(session, Trail(frame.request, session, now), id, verb, now)

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
    names = users.names(session, {found.asked_by}) if found.asked_by is not None else {}
    name = "operations/progress_part.html" if frame.in_part else "operations/progress.html"
    return frame.page(
        name, status=status, operation=operation, under_way=operation.status in OPERATION_LIVE, errors=errors,
        told=_told(operation.result or {}), problem=problem, has_picture=drawn_reports.has_picture(found),
        narrow=int(NARROW),
        journey=found.request.get("journey"), by=names.get(found.asked_by or "") or found.asked_by or "",
        way_on=ways_on.of(found), in_log="worker's log" in (found.error or ""),
        can_wait=operation.kind not in operations.NEVER_PAUSED, most_kept=operations.MOST_ERRORS_KEPT,
        call=f"/v1/operations/{id}", as_json=operation.model_dump_json(indent=2),
    )  # fmt: skip


def _told(result: Mapping[str, Any]) -> dict[str, Any]:
    """What came of it, but for what is told in tables; several sentences are one text."""
    found = {
        name: " ".join(value) if name == "told" and isinstance(value, list) else value for name, value in result.items()
    }
    return {name: value for name, value in found.items() if isinstance(value, int | float | str)}
