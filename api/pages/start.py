"""The start page: how many customers are in which stage, and where to go from here."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.reports import lifecycle_report

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("/", response_class=HTMLResponse)
def start(session: Reading, frame: TheFrame, looks: SupportUser) -> HTMLResponse:
    """Customers by stage, and links to everything else."""
    return frame.page("start.html", report=lifecycle_report.lifecycle(session))
