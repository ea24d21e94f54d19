"""Finding customers while somebody types: by parts of their address and names, by an id of theirs or of a mail."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, RedirectResponse, Response

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.reports import customer_view
from store.queries import enrollments, journeys, lists
from store.queries.lists import Slice

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

SearchText = Annotated[str, Query(max_length=400)]

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
) -> Response:
    """A page of those who are found, the newest first where nothing is asked; of an id the one whose it is."""
    owner = customer_view.owner_of(session, query) if query else None
    if owner is not None and not frame.in_part:
        return RedirectResponse(f"/customers/{owner.id}", 303)
    rows, cursor = lists.customers(
        session, page.slice("" if query else "-created"), query_text=query or None, stage=stage or None,
        segment=segment or None, sort="created",
    )  # fmt: skip
    rows = [owner, *(one for one in rows if one.id != owner.id)] if owner is not None else rows
    stages = enrollments.newest_stages(session, [one.id for one in rows], journeys.lifecycle_keys(session))
    name = "customers/found.html" if frame.in_part else "customers/customers.html"
    return frame.page(
        name, customers=rows, cursor=cursor, stages=stages, query=query, stage=stage, segment=segment
    )  # fmt: skip


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
