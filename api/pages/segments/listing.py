"""Segments with how many are in them, and one with the first of those."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from api.schemas.segments import SegmentOut
from services.customers.audiences import segments
from services.definitions.journey_versions import journeys
from store.queries.audiences import segments as segment_rows
from store.queries.identity import customers
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.queries.upkeep import backfills

router = APIRouter(prefix="/segments", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

COUNTED = 1_000
"""Members of each that are counted on the list: fifty segments are some ten milliseconds then."""

COUNTED_OF_ONE = 100_000
"""Members of one that are counted on its page: some ten milliseconds."""

FIRST = 8
"""Members who are named: what is read at a glance. The search for customers has all of them."""


@router.get("", response_class=HTMLResponse)
def listed(frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage) -> HTMLResponse:
    """By key, a page at a time."""
    rows, cursor = lists.segments(session, page.slice())
    sizes = segment_rows.sizes(session, [row.key for row in rows], COUNTED + 1)
    return frame.page(
        "segments/segments.html", segments=rows, sizes=sizes, most=COUNTED, cursor=cursor, call="/v1/segments"
    )


@router.get("/{key}", response_class=HTMLResponse)
def one(key: str, frame: TheFrame, looks: SupportUser, session: Reading) -> HTMLResponse:
    """Its guard, who is in it now, and which journeys it lets customers into."""
    segment = segments.get(session, key)
    members, _ = lists.members(session, Slice(limit=FIRST), key)
    return frame.page(
        "segments/segment.html",
        segment=segment,
        size=segment_rows.sizes(session, [key], COUNTED_OF_ONE + 1)[key],
        most=COUNTED_OF_ONE,
        members=customers.by_ids(session, [row.customer_id for row in members]),
        since={row.customer_id: row.since for row in members},
        used_by=segments.used_by(journeys.all_live(session), key),
        working=backfills.under_way(session, segments.KIND, key),
        call=f"/v1/segments/{key}",
        as_json=SegmentOut.model_validate(segment).model_dump_json(indent=2),
    )
