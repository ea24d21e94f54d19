"""Webhooks and notes to colleagues: which are under way, which failed or are stuck, and what becomes of those."""

from typing import Literal

from fastapi import APIRouter

from api.deps.audit_trail import TheTrail
from api.deps.of_customer import OfCustomer
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import hook_controls
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.hooks import HookOut
from services.enrollments import hooks
from store.queries.listing import lists
from store.statuses import HookStatus

router = APIRouter(prefix="/v1/hooks", tags=["hooks"], route_class=IdempotentRoute)


@router.get("", summary="List webhooks and notes", responses=responses(404, 422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    customer: OfCustomer,
    journey: str | None = None,
    status: HookStatus | None = None,
    sort: Literal["id", "-id"] = "id",
) -> Page[HookOut]:
    """Those of a journey, a customer, or all; `status=stuck` are those that wait for a person."""
    rows, cursor = lists.hooks(session, page.slice(sort), customer_id=customer, journey=journey, status=status)
    return Page(items=[HookOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{id}", summary="One webhook or note", responses=responses(404))
def get(id: str, session: Reading, caller: Support) -> HookOut:
    """With the receiver's last answer."""
    return HookOut.model_validate(hooks.get(session, id))


@router.post("/{id}/retry", summary="Call again", responses=responses(404, 409))
def retry(id: str, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> HookOut:
    """At once, with all its attempts before it; for one that failed, or is stuck."""
    return hook_controls.control_hook(session, trail, id, "retry", now)


@router.post("/{id}/cancel", summary="Give a call up", responses=responses(404, 409))
def cancel(id: str, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> HookOut:
    """One that is planned, failed, or is stuck."""
    return hook_controls.control_hook(session, trail, id, "cancel", now)
