"""What is on its way to Temporal: what waits, and what is stuck and waits for a person."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form, Path
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.paging import ThePage
from api.deps.signed_in import AdminUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import hook_controls
from api.edge.hook_controls import HookControl
from api.edge.own_pages import own_form
from api.pages.frame import confirmations
from api.pages.frame.confirmations import LONGEST_REASON, ActionConfirmation
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.enrollments.controls import stuck_dispatches
from store.queries.listing import lists
from store.statuses import DispatchStatus

router = APIRouter(
    prefix="/dispatches", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

EFFECTS: Mapping[HookControl, str] = {
    "retry": "It goes to Temporal at once. Where it fails in the same way again it is set aside again.",
    "cancel": "It is taken away for good: its enrollment, or its operation, hears nothing of it. A comparison of "
    "everything finds what that leaves behind.",
}
"""What each does, in words."""

VERBS: Mapping[HookControl, str] = {"retry": "Let it go again", "cancel": "Give it up"}

RowNumber = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, status: DispatchStatus | Literal[""] = ""
) -> HTMLResponse:
    """In the order in which they were made."""
    rows, cursor = lists.dispatches(session, page.slice(), status=status or None)
    return frame.page(
        "operations/dispatches.html", rows=rows, cursor=cursor, wanted=status, statuses=list(DispatchStatus),
        call=f"/v1/dispatches{f'?status={status}' if status else ''}",
    )  # fmt: skip


@router.get("/{id}/{verb}", response_class=HTMLResponse)
def ask(id: RowNumber, verb: HookControl, frame: TheFrame, looks: AdminUser, session: Reading) -> HTMLResponse:
    """What will happen, and whether that is meant."""
    row = stuck_dispatches.get(session, id)
    return confirmations.ask(
        frame,
        ActionConfirmation(
            title=f"{VERBS[verb]}?",
            told=[
                f"The {row.kind} of {row.enrollment_id} is {row.status} after {row.attempts} attempts"
                f"{f': {row.error}' if row.error else ''}.",
                EFFECTS[verb],
            ],
            action=f"/dispatches/{id}/{verb}", verb=VERBS[verb], back="/dispatches?status=stuck",
            crumbs=[("On the way to Temporal", "/dispatches")], call="/v1/dispatches?status=stuck",
        ),
    )  # fmt: skip


@router.post("/{id}/{verb}", response_class=RedirectResponse)
def do(
    id: RowNumber,
    verb: HookControl,
    frame: TheFrame,
    looks: AdminUser,
    now: Now,
    reason: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> Response:
    """Do it; what is refused is a page in words."""

    def work(session: Session) -> None:
        hook_controls.control_dispatch(session, Trail(frame.request, session, now), id, verb, reason)

    frame.parts.database.write(work)
    return RedirectResponse("/dispatches?status=stuck", 303)
