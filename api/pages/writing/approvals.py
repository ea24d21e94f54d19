"""Two pairs of eyes: an author asks for approval on the page of the plan, and an approver confirms or declines."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.deps.paging import ThePage
from api.deps.signed_in import MarketerUser, SignedIn, SupportUser
from api.edge import approving
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.errors import ApiError
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.writing import planning, publishing
from api.schemas.approvals import ApprovalOut
from journeys.language.problems import InvalidJourney
from services.changes.publication import approval_requests
from services.changes.publication.approval_requests import LONGEST, WantedApproval
from services.changes.publication.publishing import LIVES, Drifted
from services.errors import InvalidInput, NotFound, Refused
from store.queries.access import users
from store.queries.listing import lists
from store.statuses import OPERATION_LIVE, ApprovalStatus
from store.tables.access import Operation

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

Note = Annotated[str, Form(max_length=LONGEST)]


@router.post("/journeys/{key}/edit/plan/{id}/ask", response_class=RedirectResponse)
def ask(
    key: str,
    id: str,
    frame: TheFrame,
    looks: MarketerUser,
    note: Note = "",
    in_flight: Annotated[Literal["move", "pin"], Form()] = "move",
) -> Response:
    """Ask that the draft be published as this plan has told."""
    wanted = WantedApproval(key=key, plan=id, in_flight=in_flight, note=note)
    try:
        asked = approving.ask(frame.parts, wanted, looks.actor, frame.parts.clock(), frame.parts.database.write)
    except (Refused, InvalidInput) as refused:
        return planning.show_plan(frame, key, id, problem=f"Nobody was asked: {refused}", status=409)
    return RedirectResponse(f"/approvals/{key}/{asked.id}", 303)


@router.post("/journeys/{key}/edit/first/ask", response_class=RedirectResponse)
def ask_first(key: str, frame: TheFrame, looks: MarketerUser, note: Note = "") -> Response:
    """The same of a journey that was never published: there is nothing to plan."""
    wanted = WantedApproval(key=key, plan=None, in_flight="pin", note=note)
    try:
        asked = approving.ask(frame.parts, wanted, looks.actor, frame.parts.clock(), frame.parts.database.write)
    except (Refused, InvalidInput) as refused:
        return publishing.show_first(frame, key, problem=f"Nobody was asked: {refused}", status=409)
    return RedirectResponse(f"/approvals/{key}/{asked.id}", 303)


@router.get("/approvals", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: SupportUser, page: ThePage, status: ApprovalStatus | None = None) -> HTMLResponse:
    """What waits for an approver, and what became of the rest; the newest first."""
    with frame.parts.database.reading() as session:
        rows, cursor = lists.approvals(session, page.slice("-id"), status=status)
        shown = [ApprovalOut.model_validate(row) for row in rows]
        names = users.names(session, {one for row in shown for one in (row.asked_by, row.decided_by) if one})
    return frame.page(
        "writing/approvals.html", requests=shown, names=names, cursor=cursor, chosen=status, statuses=[*ApprovalStatus],
        approval=frame.parts.approval,
    )  # fmt: skip


@router.get("/approvals/{key}/{id}", response_class=HTMLResponse)
def one(key: str, id: str, frame: TheFrame, looks: SupportUser) -> HTMLResponse:
    """Who asks for what and why, whom it concerns, and what became of it."""
    return _show(frame, key, id)


@router.post("/approvals/{key}/{id}/confirm", response_class=RedirectResponse)
def confirm(
    key: str, id: str, frame: TheFrame, looks: MarketerUser, plan: Annotated[str, Form(max_length=40)] = ""
) -> Response:
    """Publish as it was asked for; what has changed since is counted anew and told, and nothing is published."""
    _refuse_others(looks)
    try:
        done = approving.confirm(
            frame.parts, key, id, plan or None, looks.actor, frame.parts.clock(), frame.parts.database.write
        )
    except Drifted as drifted:
        why = f"Nothing was published: {drifted}. It is counted anew; look at it, and confirm that."
        return _show(frame, key, id, problem=why, status=409)
    except (Refused, InvalidInput, InvalidJourney) as refused:
        return _show(frame, key, id, problem=f"Nothing was published: {refused}.", status=409)
    return RedirectResponse(f"/journeys/{key}/edit/published/{done.version.number}", 303)


@router.post("/approvals/{key}/{id}/decline", response_class=RedirectResponse)
def decline(key: str, id: str, frame: TheFrame, looks: MarketerUser, reason: Note = "") -> Response:
    """No, and why; whoever asked withdraws it by this."""
    with frame.parts.database.reading() as session:
        own = approval_requests.get(session, key, id).asked_by == looks.actor
    if not own:
        _refuse_others(looks)
    try:
        approving.decline(key, id, looks.actor, reason, frame.parts.clock(), frame.parts.database.write)
    except (Refused, InvalidInput) as refused:
        return _show(frame, key, id, problem=f"It stays as it is: {refused}.", status=409)
    return RedirectResponse(f"/approvals/{key}/{id}", 303)


@router.post("/approvals/{key}/{id}/count", response_class=RedirectResponse)
def count_anew(key: str, id: str, frame: TheFrame, looks: MarketerUser) -> Response:
    """Whom it concerns by now, before somebody decides by what was true hours ago."""
    try:
        approving.count_anew(frame.parts, key, id, looks.actor, frame.parts.clock())
    except (Refused, InvalidInput, NotFound) as refused:
        return _show(frame, key, id, problem=f"It was not counted: {refused}.", status=409)
    return RedirectResponse(f"/approvals/{key}/{id}", 303)


def _refuse_others(looks: SignedIn) -> None:
    if not looks.approves:
        raise ApiError("forbidden", "an approver decides what becomes of what another has written")


def _show(frame: Frame, key: str, id: str, *, problem: str = "", status: int = 200) -> HTMLResponse:
    now = frame.parts.clock()
    with frame.parts.database.reading() as session:
        asked = ApprovalOut.model_validate(approval_requests.get(session, key, id))
        names = users.names(session, {one for one in (asked.asked_by, asked.decided_by) if one})
        planned = session.get(Operation, asked.plan) if asked.plan is not None else None
    progress = operation_out(planned, now) if planned is not None else None
    running = planned is not None and planned.status in OPERATION_LIVE
    old = planned is not None and not running and now - (planned.finished_at or planned.created_at) > LIVES
    return frame.page(
        "writing/approval.html", status=status, asked=asked, names=names, key=key, problem=problem, running=running,
        progress=progress, told=(planned.result or {}) if planned is not None else {}, kinds=planning.KINDS,
        moves=planned is not None and planned.request["choices"]["in_flight"] == "move",
        old=old, gone=asked.plan is not None and planned is None, longest=LONGEST,
        call=f"/v1/journeys/{key}/approvals/{id}",
    )  # fmt: skip
