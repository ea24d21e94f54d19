"""One journey in numbers."""

from fastapi import APIRouter

from api.deps.permission import Support
from api.deps.transactions import Reading
from api.edge.report_tables import FORMS
from api.errors import responses
from api.routes.journeys import JourneyKey
from api.schemas.reports import JourneyReport
from services.reports.lifecycle import journey_report

router = APIRouter(prefix="/v1/journeys", tags=["journeys"], **FORMS)


@router.get("/{key}/report", summary="How a journey does", responses=responses(404))
def report(key: JourneyKey, session: Reading, caller: Support) -> JourneyReport:
    """Who entered, where they are, how they left, what was sent, and what goals it reached."""
    return JourneyReport(**journey_report.journey(session, key))
