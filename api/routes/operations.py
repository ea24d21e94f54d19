"""Long work: how far it is, what came of it, and a way to stop it."""

from typing import Annotated

from fastapi import APIRouter, Path, Query

from api import schemas
from api.deps import Marketer, Now, Reading, Support, Writing
from api.errors import responses
from services import journeys, operations, tracking

router = APIRouter(prefix="/v1", tags=["operations"])

OperationId = Annotated[str, Path(description="`op_…`", max_length=40)]


@router.post(
    "/journeys/{key}/simulate", status_code=202, summary="Replay recorded events", responses=responses(404, 422)
)
def simulate(
    key: str, session: Writing, now: Now, caller: Marketer, body: schemas.SimulateIn | None = None
) -> schemas.OperationOut:
    """Put everybody's recorded events through the draft (or a version) of a journey, without sending anything.

    The answer is an operation to watch; its result holds stages, movements, mails, and what would be skipped and why.
    """
    asked = body or schemas.SimulateIn()
    for name, value in (("from", asked.begin), ("until", asked.until)):
        if value is not None:
            tracking.instant(value, name)
    journeys.draft_or(session, key, asked.version)
    request = {"journey": key, "version": asked.version, "from": asked.begin, "until": asked.until}
    return schemas.OperationOut.model_validate(operations.start(session, "simulate", request, now))


@router.get("/operations", summary="List operations", responses=responses())
def listed(
    session: Reading, caller: Support, cursor: str | None = None, limit: Annotated[int, Query(ge=1, le=200)] = 50
) -> schemas.Page[schemas.OperationOut]:
    """The newest first."""
    rows = operations.listed(session, cursor, limit)
    items = [schemas.OperationOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=rows[-1].id if len(rows) == limit else None)


@router.get("/operations/{id}", summary="How far an operation is", responses=responses(404))
def get(id: OperationId, session: Reading, caller: Support) -> schemas.OperationOut:
    """Done, total, and the result at the end."""
    return schemas.OperationOut.model_validate(operations.get(session, id))


@router.post("/operations/{id}/cancel", summary="Stop an operation", responses=responses(404, 409))
def cancel(id: OperationId, session: Writing, caller: Marketer) -> schemas.OperationOut:
    """It stops soon; what was done stays done."""
    return schemas.OperationOut.model_validate(operations.cancel(session, id))
