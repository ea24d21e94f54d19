"""Finding customers while somebody types: by parts of their address and names, by an id of theirs or of a mail."""

from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.customers.audiences import attribute_search
from services.customers.audiences.attribute_search import WantedCustomers
from services.definitions.journey_versions import journeys as definitions
from services.reports.customer import customer_view
from services.reports.listings import journey_view
from store.queries.audiences import segments
from store.queries.definitions import journeys
from store.queries.enrollment import enrollments
from store.queries.identity import customers
from store.queries.listing import lists
from store.queries.listing.lists import Slice

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

SearchText = Annotated[str, Query(max_length=400)]

OFFERED, NEWEST = 300, 200
"""Entries of a filter, some kilobytes; and customers whose attributes are offered."""

SUGGESTED = 8
"""Customers who are shown below the search as somebody types: what is read at a glance."""


@router.get("", response_class=HTMLResponse)
def found(
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    page: ThePage,
    query: SearchText = "",
    stage: SearchText = "",
    segment: SearchText = "",
    attribute: SearchText = "",
    value: SearchText = "",
) -> Response:
    """A page of those who are found, the newest first where nothing is asked; of an id the one whose it is.

    Those with a value in an attribute are looked for among so many at a time (`attribute_search`), which is told.
    """
    owner = customer_view.owner_of(session, query) if query else None
    if owner is not None and not frame.in_part:
        return RedirectResponse(f"/customers/{owner.id}", 303)
    wanted, attribute = page.slice("" if query else "-created"), attribute.strip()
    given = {"stage": stage or None, "segment": segment or None}
    looked = None
    if attribute:
        asked = WantedCustomers(attribute=attribute, value=value, text=query or None, **given)
        seen = attribute_search.look(session, asked, wanted)
        rows, cursor, looked = seen.found, seen.cursor, seen.looked
    else:
        rows, cursor = lists.customers(session, wanted, query_text=query or None, sort="created", **given)
    rows = [owner, *(one for one in rows if one.id != owner.id)] if owner is not None else rows
    stages = enrollments.newest_stages(session, [one.id for one in rows], journeys.lifecycle_keys(session))
    said = {"query": query, "stage": stage, "segment": segment, "attribute": attribute, "value": value}
    context: dict[str, Any] = {"customers": rows, "cursor": cursor, "stages": stages, "looked": looked, "said": said}
    if frame.in_part:
        return frame.page("customers/found.html", **context)
    return frame.page("customers/customers.html", offered=_offered(session), **context)


def _offered(session: Session) -> dict[str, Sequence[Any]]:
    """What the filters can be: the stages of the lifecycle, segments, and the attributes of who came last."""
    key = journeys.lifecycle_key(session)
    return {
        "stages": journey_view.places(definitions.definition(session, key)) if key is not None else (),
        "segments": sorted(segments.keys(session))[:OFFERED],
        "attributes": sorted(customers.attributes_of_the_newest(session, NEWEST))[:OFFERED],
    }


@router.get("/suggested", response_class=HTMLResponse)
def suggested(frame: TheFrame, looks: SupportUser, session: Reading, query: SearchText = "") -> HTMLResponse:
    """The first few, for the list below the search."""
    owner = customer_view.owner_of(session, query) if query else None
    wanted = Slice(limit=SUGGESTED)
    rows = (
        lists.customers(session, wanted, query_text=query, stage=None, segment=None, sort="created")[0] if query else []
    )
    rows = [owner, *(one for one in rows if one.id != owner.id)] if owner is not None else rows
    return frame.page("customers/suggested.html", customers=rows, query=query)
