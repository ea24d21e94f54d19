"""The start page: how many customers are in which stage, and where to go from here."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from api.deps.backend import TheBackend
from api.deps.sign_in import colleague
from api.deps.transactions import Reading
from api.edge.own_pages import own_page
from api.pages.html import page
from services.reports import lifecycle_report

router = APIRouter(include_in_schema=False, dependencies=[Depends(own_page), Depends(colleague)])


@router.get("/", response_class=HTMLResponse)
def start(session: Reading, parts: TheBackend) -> HTMLResponse:
    """Customers by stage, and links to everything else."""
    return page("start.html", brand=parts.brand, report=lifecycle_report.lifecycle(session), outbox=parts.outbox)
