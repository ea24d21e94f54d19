"""Reports."""

from fastapi import APIRouter

from api import schemas
from api.deps import Reading, Support
from api.errors import responses
from services import reports

router = APIRouter(prefix="/v1/reports", tags=["reports"])


@router.get("/lifecycle", summary="Customers per stage", responses=responses())
def lifecycle(session: Reading, caller: Support, journey: str | None = None) -> schemas.LifecycleReport:
    """Stages, steps and movements of the lifecycle journey, or of `journey`."""
    return schemas.LifecycleReport(**reports.lifecycle(session, journey))
