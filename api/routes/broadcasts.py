"""Broadcasts: one mail to many, with a preview, a pause, and numbers."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Path, Response
from sqlmodel import Session

from api.deps.audit_trail import TheTrail, Trail
from api.deps.backend import Templates, TheBackend
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags
from api.edge.etags import TheTags
from api.edge.idempotency import IdempotentRoute
from api.edge.shown_operations import operation_out
from api.errors import responses
from api.schemas.base import Page
from api.schemas.broadcasts import AudienceOut, BroadcastOut, BroadcastProgress, VariantOut, WinnerIn
from api.schemas.operations import OperationOut
from readers.keys import PATTERN
from services import values
from services.definitions import broadcasts, send_hours
from services.definitions.broadcast_definition import BroadcastIn
from services.operations import operations
from services.upkeep import broadcast_clock
from store.queries import broadcasts as broadcast_rows
from store.queries import lists, message_counts
from store.statuses import ON_THE_WAY, BroadcastStatus
from store.tables.broadcasts import Broadcast

router = APIRouter(prefix="/v1/broadcasts", tags=["broadcasts"], route_class=IdempotentRoute)

BroadcastKey = Annotated[str, Path(description="the broadcast's key", pattern=PATTERN)]


@router.put("/{key}", summary="Create or change a draft", responses=responses(409, 412, 422))
def put(
    key: BroadcastKey,
    body: BroadcastIn,
    session: Writing,
    now: Now,
    parts: TheBackend,
    known: Templates,
    caller: Marketer,
    tags: TheTags,
    trail: TheTrail,
) -> BroadcastOut:
    """To a segment, or to whom `POST /v1/imports?kind=recipients&broadcast=…` names. Nothing is sent yet."""
    values.check_values(body.model_dump(mode="json"))
    broadcasts.check_subjects(body, parts.beside_store.judge_text)
    present = session.get(Broadcast, key)
    before = _out(present) if present else None
    tags.check(before)
    send_hours.check_terms(session, body.terms())
    after = _out(broadcasts.put(session, key, body, known, now))
    trail.note("changed" if before else "created", "broadcast", key, before, after)
    return tags.tagged(after)


@router.get("", summary="List broadcasts", responses=responses(422))
def listed(
    session: Reading, caller: Support, page: ThePage, status: BroadcastStatus | None = None
) -> Page[BroadcastOut]:
    """By key."""
    rows, cursor = lists.broadcasts(session, page.slice(), status=status)
    return Page(items=[_out(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="How far a broadcast is", responses=responses(404))
def get(key: BroadcastKey, session: Reading, now: Now, caller: Support, response: Response) -> BroadcastProgress:
    """With who gets it and who does not by reason, its mails by status, and what people did with each variant."""
    row = broadcasts.get(session, key)
    response.headers["ETag"] = etags.of(_out(row))
    return _progress(session, row, now)


@router.delete("/{key}", status_code=204, summary="Remove a draft", responses=responses(404, 409))
def delete(key: BroadcastKey, session: Writing, caller: Marketer, trail: TheTrail) -> Response:
    """What was sent stays on record."""
    before = _out(broadcasts.get(session, key))
    broadcasts.delete(session, key)
    trail.note("removed", "broadcast", key, before)
    return Response(status_code=204)


@router.post("/{key}/preview", status_code=202, summary="Count who would get it", responses=responses(404, 409))
def preview(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> OperationOut:
    """The operation's result says how many get it, at once or later, and how many do not, by reason."""
    broadcasts.get(session, key)
    operation = operations.start(session, broadcast_clock.PREVIEW, {"broadcast": key}, now, by=caller.id)
    shown = operation_out(operation, now)
    trail.note("previewed", "broadcast", key, after=shown)
    return shown


@router.post("/{key}/send", summary="Let it go", responses=responses(404, 409, 422))
def send(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Now, or when its time has come. Who gets it is worked out then."""
    return _changed(session, trail, "sent", key, lambda: broadcasts.schedule(session, key, now))


@router.post("/{key}/pause", summary="Stop for a while", responses=responses(404, 409))
def pause(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Who has the mail has it; the rest waits."""
    return _changed(session, trail, "paused", key, lambda: broadcasts.pause(session, key, now))


@router.post("/{key}/resume", summary="Go on", responses=responses(404, 409))
def resume(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """Mail that has expired meanwhile is skipped."""
    return _changed(session, trail, "resumed", key, lambda: broadcasts.resume(session, key, now))


@router.post("/{key}/cancel", summary="Never send the rest", responses=responses(404, 409))
def cancel(key: BroadcastKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> BroadcastOut:
    """At once; what has not gone is skipped (`cancelled`)."""
    after = _changed(session, trail, "cancelled", key, lambda: broadcasts.cancel(session, key, now))
    operations.start(session, broadcast_clock.CANCEL, {"broadcast": key}, now, by=caller.id)
    return after


@router.post("/{key}/winner", summary="Choose the winner of a test", responses=responses(404, 409, 422))
def winner(
    key: BroadcastKey, body: WinnerIn, session: Writing, now: Now, caller: Marketer, trail: TheTrail
) -> BroadcastOut:
    """Instead of waiting for the numbers; everybody else gets that variant at once."""
    chosen = body.variant
    return _changed(session, trail, f"chose {chosen}", key, lambda: broadcasts.choose_winner(session, key, chosen, now))


def _changed(session: Session, trail: Trail, action: str, key: str, change: Callable[[], Broadcast]) -> BroadcastOut:
    """Do it, with what the broadcast was before and is now on record."""
    before = _out(broadcasts.get(session, key))
    after = _out(change())
    trail.note(action, "broadcast", key, before, after)
    return after


def _out(row: Broadcast) -> BroadcastOut:
    return BroadcastOut(**{name: getattr(row, name) for name in BroadcastOut.model_fields})


def _progress(session: Session, row: Broadcast, now: datetime) -> BroadcastProgress:
    counts = message_counts.of_broadcast(session, row.key)
    began = max(row.start_at, row.created_at) if row.start_at else None
    elapsed = ((row.finished_at or now) - began).total_seconds() if began else 0.0
    rate = round(counts.get("accepted", 0) / elapsed, 1) if elapsed > 0 else None
    left = sum(counts.get(status, 0) for status in ON_THE_WAY)
    return BroadcastProgress(
        **_out(row).model_dump(),
        named=broadcast_rows.count_named(session, row.key),
        audience=AudienceOut(**row.audience) if row.audience else None,
        messages=counts,
        rate=rate,
        seconds_left=round(left / rate) if rate and left and row.status != BroadcastStatus.CANCELLED else None,
        variants={
            name: VariantOut(**one)
            for name, one in broadcasts.results(session, row.key, list(broadcasts.body_of(row).variants)).items()
        },
    )
