"""Broadcasts: one mail to many, with a preview, a pause, and numbers."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps.audit_trail import TheTrail
from api.deps.backend import TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import broadcast_controls, etags
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.errors import responses
from api.schemas.base import Page
from api.schemas.broadcasts import BroadcastOut, BroadcastProgress, WinnerIn
from api.schemas.operations import OperationOut
from readers.keys import PATTERN
from services.definitions import broadcasts
from services.definitions.broadcast_definition import BroadcastIn
from store.queries.listing import lists
from store.statuses import BroadcastStatus

router = APIRouter(prefix="/v1/broadcasts", tags=["broadcasts"], route_class=IdempotentRoute)

BroadcastKey = Annotated[str, Path(description="the broadcast's key", pattern=PATTERN)]


@router.put("/{key}", summary="Create or change a draft", responses=responses(409, 412, 422))
def put(
    key: BroadcastKey,
    body: BroadcastIn,
    session: Writing,
    now: Now,
    parts: TheBackend,
    caller: Marketer,
    tags: TheTags,
    trail: TheTrail,
) -> BroadcastOut:
    """To a segment, or to whom `POST /v1/imports?kind=recipients&broadcast=…` names. Nothing is sent yet."""
    return tags.tagged(broadcast_controls.put(session, trail, parts, key, body, now, tags.check))


@router.get("", summary="List broadcasts", responses=responses(422))
def listed(
    session: Reading, caller: Support, page: ThePage, status: BroadcastStatus | None = None
) -> Page[BroadcastOut]:
    """By key."""
    rows, cursor = lists.broadcasts(session, page.slice(), status=status)
    return Page(items=[broadcast_controls.shown(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="How far a broadcast is", responses=responses(404))
def get(key: BroadcastKey, session: Reading, now: Now, caller: Support, response: Response) -> BroadcastProgress:
    """With who gets it and who does not by reason, its mails by status, and what people did with each variant."""
    row = broadcasts.get(session, key)
    response.headers["ETag"] = etags.of(broadcast_controls.shown(row))
    return broadcast_controls.progress(session, row, now)


@router.delete("/{key}", status_code=204, summary="Remove a draft", responses=responses(404, 409))
def delete(key: BroadcastKey, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """What was sent stays on record."""
    broadcast_controls.delete(session, trail, key)
    return Response(status_code=204)


@router.post("/{key}/preview", status_code=202, summary="Count who would get it", responses=responses(404, 409))
def preview(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> OperationOut:
    """The operation's result says how many get it, at once or later, and how many do not, by reason."""
    return broadcast_controls.count(session, trail, key, caller.id, now)


@router.post("/{key}/send", summary="Let it go", responses=responses(404, 409, 422))
def send(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Now, or when its time has come. Who gets it is worked out then."""
    return broadcast_controls.send(session, trail, key, now)


@router.post("/{key}/pause", summary="Stop for a while", responses=responses(404, 409))
def pause(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Who has the mail has it; the rest waits."""
    return broadcast_controls.pause(session, trail, key, now)


@router.post("/{key}/resume", summary="Go on", responses=responses(404, 409))
def resume(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Mail that has expired meanwhile is skipped."""
    return broadcast_controls.resume(session, trail, key, now)


@router.post("/{key}/cancel", summary="Never send the rest", responses=responses(404, 409))
def cancel(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """At once; what has not gone is skipped (`cancelled`)."""
    return broadcast_controls.cancel(session, trail, key, caller.id, now)


@router.post("/{key}/winner", summary="Choose the winner of a test", responses=responses(404, 409, 422))
def winner(
    key: BroadcastKey, body: WinnerIn, session: Writing, now: Now, caller: Marketer, trail: TheTrail
) -> BroadcastOut:
    """Instead of waiting for the numbers; everybody else gets that variant at once."""
    return broadcast_controls.choose(session, trail, key, body.variant, now)
