"""Segments: named guards, with members that come and go as customers change."""

from typing import Annotated

from fastapi import APIRouter, Path, Response

from api.deps.audit_trail import TheTrail
from api.deps.paging import ThePage
from api.deps.permission import Marketer, Support
from api.deps.transactions import Now, Reading, Writing
from api.edge import etags, segment_changes
from api.edge.etags import TheTags
from api.errors import responses
from api.schemas.base import Page
from api.schemas.segments import MemberOut, SegmentIn, SegmentOut, SegmentPreviewIn, SegmentPreviewOut
from readers.keys import PATTERN
from services import values
from services.customers.audiences import segment_preview, segments
from store.queries.listing import lists

router = APIRouter(prefix="/v1/segments", tags=["segments"])

SegmentKey = Annotated[str, Path(description="the segment's key", pattern=PATTERN)]


@router.put("/{key}", summary="Create or change a segment", responses=responses(409, 412, 422))
def put(
    key: SegmentKey, body: SegmentIn, session: Writing, now: Now, caller: Marketer, tags: TheTags, trail: TheTrail
) -> SegmentOut:
    """A guard over the customer. Where it is new, everybody is looked at in the background."""
    return tags.tagged(segment_changes.put(session, trail, tags, key, body, now))


@router.post("/preview", summary="Try a guard on customers", responses=responses(422))
def preview(body: SegmentPreviewIn, session: Reading, now: Now, caller: Support) -> SegmentPreviewOut:
    """Asked of the newest customers: how many would belong, and for how many the guard fails, with the values seen.

    Nothing is stored.
    """
    values.check_values(body.model_dump())
    return SegmentPreviewOut.model_validate(segment_preview.preview(session, body.guard, now))


@router.get("", summary="List segments", responses=responses(422))
def listed(session: Reading, caller: Support, page: ThePage) -> Page[SegmentOut]:
    """By key."""
    rows, cursor = lists.segments(session, page.slice())
    return Page(items=[SegmentOut.model_validate(row) for row in rows], cursor=cursor)


@router.get("/{key}", summary="One segment", responses=responses(404))
def get(key: SegmentKey, session: Reading, caller: Support, response: Response) -> SegmentOut:
    """Its guard."""
    return etags.tagged(response, SegmentOut.model_validate(segments.get(session, key)))


@router.delete("/{key}", status_code=204, summary="Remove a segment", responses=responses(404, 409))
def delete(key: SegmentKey, session: Writing, now: Now, caller: Marketer, trail: TheTrail) -> Response:
    """Refused while a live journey lets its members in. They are let go in the background."""
    segment_changes.remove(session, trail, key, now)
    return Response(status_code=204)


@router.get("/{key}/members", summary="Who is in a segment", responses=responses(404, 422))
def members(key: SegmentKey, session: Reading, caller: Support, page: ThePage) -> Page[MemberOut]:
    """In the order of their internal ids."""
    segments.get(session, key)
    rows, cursor = lists.members(session, page.slice(), key)
    return Page(items=[MemberOut.model_validate(row) for row in rows], cursor=cursor)
