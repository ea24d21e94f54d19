"""Messages: the sending ledger."""

from typing import Literal

from fastapi import APIRouter

from api import schemas
from api.deps import Reading, Support, ThePage
from api.errors import responses
from services import feedback, listing, telling

router = APIRouter(prefix="/v1/messages", tags=["messages"])

Status = Literal["planned", "deferred", "sending", "accepted", "failed", "skipped", "unknown", "parked"]


@router.get("", summary="List messages", responses=responses(404, 422))
def listed(
    session: Reading,
    caller: Support,
    page: ThePage,
    customer: str | None = None,
    journey: str | None = None,
    step: str | None = None,
    status: Status | None = None,
    template: str | None = None,
    sort: Literal["planned", "-planned"] = "-planned",
) -> schemas.Page[schemas.MessageOut]:
    """The newest first."""
    owner = telling.customer(session, customer).id if customer else None
    rows, cursor = listing.messages(
        session, page.slice(sort), customer_id=owner, journey=journey, step=step, status=status, template=template
    )
    return schemas.Page(items=[schemas.MessageOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{id}", summary="One message", responses=responses(404))
def get(id: str, session: Reading, caller: Support) -> schemas.MessageWhole:
    """With the very mail that was rendered, once it was, and what the provider reported about it."""
    message = schemas.MessageWhole.model_validate(telling.message(session, id))
    reports = [schemas.DeliveryEventOut.model_validate(one) for one in feedback.of(session, id)]
    return message.model_copy(update={"reports": reports})
