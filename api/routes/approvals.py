"""Requests that a draft be published, where two pairs of eyes are asked for."""

from functools import partial
from typing import Annotated, Literal

from fastapi import APIRouter, Path

from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support, refuse_other_than_approvers
from api.deps.transactions import Now, Reading, TheAnsweredWork
from api.edge import approving
from api.edge.idempotency import IdempotentRoute
from api.edge.published import published
from api.errors import responses
from api.routes.journeys import JourneyKey
from api.schemas.approvals import ApprovalIn, ApprovalOut, ConfirmIn, DeclineIn
from api.schemas.base import Page
from api.schemas.journey_changes import Published
from services.changes.publication import approval_requests
from services.changes.publication.approval_requests import WantedApproval
from services.definitions.journey_versions import journeys
from store.queries.listing import lists
from store.statuses import ApprovalStatus

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], route_class=IdempotentRoute)

ApprovalId = Annotated[str, Path(description="`apr_…`", max_length=40)]


@router.post("/{key}/approvals", status_code=201, summary="Ask for approval", responses=responses(404, 409, 422))
def ask(
    key: JourneyKey, body: ApprovalIn, parts: TheBackend, now: Now, caller: Marketer, answered: TheAnsweredWork
) -> ApprovalOut:
    """That the draft, as it is now, be published as its plan has told. What was asked about it before is withdrawn."""
    wanted = WantedApproval(key=key, plan=body.plan, in_flight=body.in_flight, note=body.note)
    return approving.ask(parts, wanted, caller.id, now, answered.write)


@router.get("/{key}/approvals", summary="Requests for approval", responses=responses(404, 422))
def listed(
    key: JourneyKey,
    session: Reading,
    caller: Support,
    page: ThePage,
    sort: Literal["created", "-created"] = "-created",
    status: ApprovalStatus | None = None,
) -> Page[ApprovalOut]:
    """The newest first, with what became of each."""
    journeys.get(session, key)
    rows, cursor = lists.approvals(session, page.slice(sort), journey=key, status=status)
    return Page(items=[ApprovalOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{key}/approvals/{id}", summary="One request for approval", responses=responses(404))
def get(key: JourneyKey, id: ApprovalId, session: Reading, caller: Support) -> ApprovalOut:
    """Who asks for what, and what became of it."""
    return ApprovalOut.model_validate(approval_requests.get(session, key, id))


@router.post("/{key}/approvals/{id}/confirm", summary="Approve and publish", responses=responses(404, 409, 422))
def confirm(
    key: JourneyKey,
    id: ApprovalId,
    body: ConfirmIn,
    parts: TheBackend,
    now: Now,
    caller: Marketer,
    answered: TheAnsweredWork,
) -> Published:
    """Publish the draft, with exactly this plan of the request, by a key with the scope `approver` or `admin`.

    The draft's author is refused (`own_draft`), and whoever asked (`own_request`).

    Where the request speaks of another plan by now, nothing is published (409, `other_plan`).

    Where those under way have changed since, nothing is published (409): `plan` tells the counts of now and the `token`
    of a new plan, of which the request speaks from then on. So it is where the plan is older than 15 minutes.
    """
    refuse_other_than_approvers(caller)
    show = partial(published, now=now)
    return show(approving.confirm(parts, key, id, body.plan, caller.id, now, answered.shown_as(show)))


@router.post("/{key}/approvals/{id}/decline", summary="Decline a request", responses=responses(404, 409, 422))
def decline(
    key: JourneyKey,
    id: ApprovalId,
    body: DeclineIn,
    parts: TheBackend,
    now: Now,
    caller: Marketer,
    answered: TheAnsweredWork,
) -> ApprovalOut:
    """Say no, and why, by a key with the scope `approver` or `admin`; whoever asked withdraws it by the same call."""
    with parts.database.reading() as session:
        own = approval_requests.get(session, key, id).asked_by == caller.id
    if not own:
        refuse_other_than_approvers(caller)
    return approving.decline(key, id, caller.id, body.reason, now, answered.write)
