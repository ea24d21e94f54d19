"""Who would get a broadcast, counted before it goes: nothing is sent by it."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import broadcast_controls
from api.edge.own_pages import own_form
from api.edge.shown_operations import operation_out
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from services.definitions import broadcasts
from services.errors import NotFound
from services.operations import operations
from services.upkeep.clocks import broadcast_clock
from store.statuses import OPERATION_LIVE, BroadcastStatus, OperationStatus
from store.tables.access import Operation

router = APIRouter(
    prefix="/broadcasts", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


@router.post("/{key}/count", response_class=RedirectResponse)
def count(key: str, frame: TheFrame, looks: MarketerUser, now: Now) -> Response:
    """Start to count, and show how far it is."""

    def work(session: Session) -> str:
        return broadcast_controls.count(session, Trail(frame.request, session, now), key, looks.actor, now).id

    return RedirectResponse(f"/broadcasts/{key}/count/{frame.parts.database.write(work)}", 303)


@router.get("/{key}/count/{operation_id}", response_class=HTMLResponse)
def counted(
    key: str, operation_id: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now
) -> HTMLResponse:
    """How many get it, at once or later, and how many do not, by reason; how far the count is."""
    row, operation = broadcasts.get(session, key), counting(session, key, operation_id)
    progress, running = operation_out(operation, now), operation.status in OPERATION_LIVE
    name = "broadcasts/counted_part.html" if frame.in_part else "broadcasts/counted.html"
    return frame.page(
        name, key=key, row=row, progress=progress, meaning=REASONS, running=running, result=operation.result or {},
        stale=operation.created_at < row.updated_at, draft=row.status == BroadcastStatus.DRAFT,
        call=f"/v1/operations/{operation.id}", as_json=progress.model_dump_json(indent=2),
    )  # fmt: skip


def counting(session: Session, key: str, operation_id: str) -> Operation:
    """The operation that counts this broadcast; raise NotFound where it is another."""
    found = operations.get(session, operation_id)
    if found.kind != broadcast_clock.PREVIEW or found.request.get("broadcast") != key:
        raise NotFound(f"nobody counted the broadcast {key!r} by {operation_id!r}")
    return found


def result_of(session: Session, key: str, operation_id: str) -> Operation | None:
    """A count that is done, of the draft as it stands; None where it is not, or is not told."""
    if not operation_id:
        return None
    found, row = counting(session, key, operation_id), broadcasts.get(session, key)
    return found if found.status == OperationStatus.DONE and found.created_at >= row.updated_at else None
