"""Segments: named guards, with members that come and go as customers change."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Response

from api import schemas
from api.deps import Marketer, Now, Reading, Support, Writing
from api.errors import responses
from services import journeys, segments, tracking

router = APIRouter(prefix="/v1/segments", tags=["segments"])

Key = Annotated[str, Path(description="the segment's key", pattern=r"^[A-Za-z][A-Za-z0-9_-]{0,62}$")]
Limit = Annotated[int, Query(ge=1, le=500)]


@router.put("/{key}", summary="Create or change a segment", responses=responses(422))
def put(key: Key, body: schemas.SegmentIn, session: Writing, now: Now, caller: Marketer) -> schemas.SegmentOut:
    """A guard over the customer. Where it is new, everybody is looked at in the background."""
    tracking.check_values(body.model_dump())
    return schemas.SegmentOut.model_validate(segments.put(session, key, body.guard, body.name, now))


@router.get("", summary="List segments", responses=responses())
def listed(session: Reading, caller: Support) -> list[schemas.SegmentOut]:
    """Every segment."""
    return [schemas.SegmentOut.model_validate(one) for one in segments.listed(session)]


@router.get("/{key}", summary="One segment", responses=responses(404))
def get(key: Key, session: Reading, caller: Support) -> schemas.SegmentOut:
    """Its guard."""
    return schemas.SegmentOut.model_validate(segments.get(session, key))


@router.delete("/{key}", status_code=204, summary="Remove a segment", responses=responses(404, 409))
def delete(key: Key, session: Writing, caller: Marketer) -> Response:
    """Refused while a live journey lets its members in."""
    segments.delete(session, key, segments.used_by(journeys.all_live(session), key))
    return Response(status_code=204)


@router.get("/{key}/members", summary="Who is in a segment", responses=responses(404))
def members(
    key: Key, session: Reading, caller: Support, cursor: str = "", limit: Limit = 100
) -> schemas.Page[schemas.MemberOut]:
    """In the order of their internal ids."""
    segments.get(session, key)
    rows = segments.members(session, key, cursor, limit)
    items = [schemas.MemberOut.model_validate(row) for row in rows]
    return schemas.Page(items=items, cursor=rows[-1].customer_id if len(rows) == limit else None)
