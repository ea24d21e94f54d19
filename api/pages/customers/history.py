"""Where a customer has been, page by page, and why a mail did (not) come: a question that one clicks."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.customers import bars
from api.pages.frame.frame import TheFrame
from api.pages.frame.pictures import NARROW
from api.pages.frame.problems import PageRoute
from services.reports.customer import customer_view, why_answers

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

TimelineView = Literal["compact", "all", "raw"]
"""What leads somewhere; everything; everything as the API tells it."""


@router.get("/{id}/timeline", response_class=HTMLResponse)
def timeline(
    id: str,
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    now: Now,
    page: ThePage,
    view: TimelineView = "compact",
) -> HTMLResponse:
    """A page of events and decisions, the newest first; above the first page the visits of stages as bars."""
    standing = customer_view.standing(session, id)
    customer = standing.customer
    entries, cursor = customer_view.timeline(session, customer.id, page.cursor, page.limit)
    shows = page.cursor is None and view != "raw"
    visits = bars.visits(session, standing, bars.ahead_of(session, standing, now), now) if shows else ()
    name = "customers/been.html" if frame.in_part else "customers/timeline.html"
    return frame.page(
        name, customer=customer, entries=entries, cursor=cursor, view=view, visits=visits, narrow=int(NARROW)
    )  # fmt: skip


@router.get("/{id}/why", response_class=HTMLResponse)
def why(
    id: str,
    frame: TheFrame,
    looks: SupportUser,
    session: Reading,
    now: Now,
    journey: Annotated[str, Query(max_length=63)] = "",
    step: Annotated[str, Query(max_length=300)] = "",
    message: Annotated[str, Query(max_length=64)] = "",
) -> HTMLResponse:
    """An answer in a sentence, with the decisions that it rests on and the values that were seen."""
    customer = customer_view.customer(session, id)
    told = why_answers.why(session, customer, journey or None, step or None, message or None, now)
    decisions = [customer_view.shown(one, None) for one in told.decisions]
    name = "customers/why_part.html" if frame.in_part else "customers/why.html"
    asked = {"journey": journey, "step": step, "message": message}
    return frame.page(name, customer=customer, why=told, entries=decisions, view="all", asked=asked)
