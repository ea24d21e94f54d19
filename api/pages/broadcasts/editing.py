"""A broadcast written: the draft is saved as a whole, and nobody's is written over by whoever has not seen it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.audit_trail import Trail
from api.deps.signed_in import MarketerUser
from api.deps.transactions import Now
from api.edge import broadcast_controls, etags
from api.edge.own_pages import own_form
from api.pages.broadcasts import written_broadcast
from api.pages.broadcasts.written_broadcast import SHOWN, TheWrittenBroadcast, WrittenBroadcast
from api.pages.frame import formats
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.new_keys import NewKey
from api.pages.frame.problems import PageRoute
from api.schemas.broadcasts import BroadcastOut
from api.schemas.segments import SegmentOut
from journeys.program.send_terms import GENERAL
from services.access import audit_log
from services.customers.audiences import segments
from services.definitions.broadcast_definition import BroadcastIn
from services.errors import InvalidInput, Refused
from services.values import Rejected
from store.queries.audiences import segments as segment_rows
from store.queries.consent import topics as topic_rows
from store.statuses import BroadcastStatus
from store.tables.customers import Segment

router = APIRouter(
    prefix="/broadcasts", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)


class BroadcastConflict(Exception):
    """Somebody has saved, let go or removed (None) what the author had before them; `given` is the author's."""

    def __init__(self, stored: BroadcastOut | None, given: BroadcastIn) -> None:
        super().__init__("somebody has saved it meanwhile")
        self.stored, self.given = stored, given


@router.get("/{key}/edit", response_class=HTMLResponse)
def edit(key: NewKey, frame: TheFrame, looks: MarketerUser) -> HTMLResponse:
    """The draft to go on with; one that is not there begins empty."""
    with frame.parts.database.reading() as session:
        present = broadcast_controls.present(session, key)
        body = BroadcastIn.model_validate(present.body) if present is not None else None
        written = written_broadcast.of(body, formats.zone_of(frame.request))
        written.seen = _seen_of(present)
        return _shown(frame, session, key, written, present)


@router.post("/{key}/edit", response_class=RedirectResponse)
def save(key: NewKey, frame: TheFrame, looks: MarketerUser, now: Now, written: TheWrittenBroadcast) -> Response:
    """Keep the draft, and with it the segment that a condition makes; nothing is sent."""
    zone, parts = formats.zone_of(frame.request), frame.parts

    def work(session: Session) -> None:
        trail = Trail(frame.request, session, now)
        present = broadcast_controls.present(session, key)
        segment = _segment(session, trail, key, written, now)
        body = written.body(present.body if present is not None else {}, zone, segment)

        def check(before: BroadcastOut | None) -> None:
            if _seen_of(before) != written.seen:
                raise BroadcastConflict(before, body)

        broadcast_controls.put(session, trail, parts, key, body, now, check)

    try:
        parts.database.write(work)
    except BroadcastConflict as conflict:
        return _both(frame, key, written, conflict)
    except (InvalidInput, Refused, Rejected) as wrong:
        with parts.database.reading() as session:
            present = broadcast_controls.present(session, key)
            return _shown(frame, session, key, written, present, problem=str(wrong), status=422)
    return RedirectResponse(f"/broadcasts/{key}", 303)


def _seen_of(present: BroadcastOut | None) -> str:
    """What names the draft that an author has before them; empty where there is none."""
    return etags.of(present).strip('"') if present is not None else ""


def _segment(session: Session, trail: Trail, key: str, written: WrittenBroadcast, now: datetime) -> str:
    """The segment that is chosen; of a condition one that is made of it, under the broadcast's own key, on record."""
    if not written.guard:
        return written.segment
    present = session.get(Segment, key)
    if present is not None and present.guard != written.guard:
        raise InvalidInput(f"there is a segment {key!r} already, with another condition; choose it, or none", "guard")
    if present is None:
        made = segments.put(session, key, written.guard, written.name or None, now)
        trail.note("created", "segment", key, None, SegmentOut.model_validate(made))
    return key


def _both(frame: Frame, key: str, written: WrittenBroadcast, conflict: BroadcastConflict) -> HTMLResponse:
    """The author's own, with what theirs says otherwise; saved once more, it goes over theirs."""
    mine, stored = conflict.given.model_dump(mode="json", by_alias=True), conflict.stored
    differing = _differing(stored.body, mine) if stored is not None else ()
    with frame.parts.database.reading() as session:
        by = audit_log.last_author(session, "broadcast", key) or "Somebody"
        written.seen = _seen_of(stored)
        told = f"{by} has {'changed' if stored is not None else 'removed'} it while you wrote"
        return _shown(frame, session, key, written, stored, problem=told, theirs=differing, status=409)


def _differing(theirs: Mapping[str, Any], mine: Mapping[str, Any]) -> Sequence[tuple[str, Any, Any]]:
    return [(name, theirs.get(name), mine.get(name)) for name in SHOWN if theirs.get(name) != mine.get(name)]


def _shown(
    frame: Frame,
    session: Session,
    key: str,
    written: WrittenBroadcast,
    present: BroadcastOut | None,
    *,
    problem: str = "",
    theirs: Sequence[tuple[str, Any, Any]] = (),
    status: int = 200,
) -> HTMLResponse:
    topics = {GENERAL: None, **{one.key: one.name for one in topic_rows.listed(session)}}
    others = {name: value for name, value in (present.body if present else {}).items() if name not in SHOWN and value}
    return frame.page(
        "broadcasts/editor.html", status=status, key=key, written=written, present=present, problem=problem,
        theirs=theirs, topics=topics, segments=segment_rows.listed(session), templates=sorted(frame.parts.templates()),
        others=others, draft=present is None or present.status == BroadcastStatus.DRAFT, call=f"/v1/broadcasts/{key}",
    )  # fmt: skip
