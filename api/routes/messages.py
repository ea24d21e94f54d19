"""Messages: the sending ledger."""

from typing import Annotated

from fastapi import APIRouter, Query

from api import schemas
from api.deps import Reading, Support
from api.errors import responses
from services import telling
from services.errors import InvalidInput

router = APIRouter(prefix="/v1/messages", tags=["messages"])


@router.get("", summary="List messages", responses=responses(404, 422))
def listed(
    session: Reading,
    caller: Support,
    customer: str | None = None,
    journey: str | None = None,
    step: str | None = None,
    status: str | None = None,
    cursor: str | None = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> schemas.Page[schemas.MessageOut]:
    """The newest first."""
    owner = telling.customer(session, customer).id if customer else None
    try:
        rows = telling.messages(
            session, customer_id=owner, journey=journey, step=step, status=status, before=cursor, limit=limit
        )
    except ValueError:
        raise InvalidInput("this is no cursor that we gave", "cursor") from None
    items = [schemas.MessageOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=telling.message_cursor(rows[-1]) if len(rows) == limit else None)


@router.get("/{id}", summary="One message", responses=responses(404))
def get(id: str, session: Reading, caller: Support) -> schemas.MessageWhole:
    """With the very mail that was rendered, once it was."""
    return schemas.MessageWhole.model_validate(telling.message(session, id))
