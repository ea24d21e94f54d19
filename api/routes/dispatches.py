"""What is on its way to Temporal: what waits, what is stuck, and what becomes of that."""

from typing import Annotated, Literal

from fastapi import APIRouter, Path

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Admin, Support
from api.deps.transactions import Reading, Writing
from api.edge import hook_controls
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.dispatches import DispatchOut
from store.queries.listing import lists
from store.statuses import DispatchStatus

router = APIRouter(prefix="/v1/dispatches", tags=["operators"], route_class=IdempotentRoute)

RowId = Annotated[int, Path(ge=1, le=2**63 - 1)]


@router.get("", summary="What is on its way to Temporal", responses=responses(422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    status: DispatchStatus | None = None,
    sort: Literal["id", "-id"] = "id",
) -> Page[DispatchOut]:
    """`status=stuck` are those that failed again and again the same way."""
    rows, cursor = lists.dispatches(session, page.slice(sort), status=status)
    return Page(items=[DispatchOut.model_validate(row) for row in rows], cursor=cursor)


@router.post("/{id}/retry", summary="Let it go again", responses=responses(404, 409))
def retry(id: RowId, session: Writing, caller: Admin, trail: TheTrail) -> DispatchOut:
    """At once; for one that is stuck."""
    return hook_controls.control_dispatch(session, trail, id, "retry")


@router.post("/{id}/cancel", summary="Give it up", responses=responses(404, 409))
def cancel(id: RowId, session: Writing, caller: Admin, trail: TheTrail) -> DispatchOut:
    """For one that is stuck; its enrollment hears nothing of it."""
    return hook_controls.control_dispatch(session, trail, id, "cancel")
