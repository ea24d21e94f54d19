"""All journeys: how each stands, who is under way, and what the last days brought."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from api.deps.paging import ThePage
from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.reports.listings import journey_list
from store.queries.listing import lists

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, now: Now, page: ThePage, archived: bool = False
) -> HTMLResponse:
    """By key, a page at a time; those that are archived where they are asked for."""
    rows, cursor = lists.journeys(session, page.slice(), archived=archived)
    return frame.page(
        "journeys/journeys.html", journeys=journey_list.numbers(session, rows, now), cursor=cursor, archived=archived,
        days=journey_list.DAYS, call=f"/v1/journeys{'?archived=true' if archived else ''}",
    )  # fmt: skip
