"""What marketing mail brings about: at once over some thousands of customers, as an operation over more."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request

from api.deps.backend import TheBackend
from api.deps.permission import Support
from api.deps.transactions import Now, Writing
from api.edge import counted_reports
from api.edge.heavy_work import TheHeavyWork
from api.edge.report_tables import TABLE, TABLE_ANSWERS, IdempotentReportRoute
from api.errors import responses
from api.schemas.lift import LiftIn, LiftReport
from api.schemas.operations import OperationOut
from services.reports.conversion import report_operations
from services.reports.conversion.lift import Lift, LiftQuestion

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=IdempotentReportRoute)


def lift_asked(
    event: Annotated[str | None, Query(max_length=200, description="what converts; without it any order")] = None,
    since: Annotated[
        date | None,
        Query(alias="from", description="the first day; without it since the control group has been as large"),
    ] = None,
) -> LiftQuestion:
    """The question as it stands in an address."""
    return LiftQuestion(event=event, since=since)


TheLift = Annotated[LiftQuestion, Depends(lift_asked)]


@router.get(
    "/lift", summary="What marketing mail brings about", responses={**TABLE_ANSWERS, **responses(409, 422)}, **TABLE
)
async def lift(asked: TheLift, parts: TheBackend, caller: Support, now: Now, heavy: TheHeavyWork) -> LiftReport:
    """Conversion and revenue per customer of the control group, beside everybody else who has an address.

    It reads every customer with an address, since the group is worked out from their ids. More than 20,000 are an
    operation: POST.
    """
    found = await counted_reports.at_once(parts, heavy, lambda session: Lift(session, asked, now))
    return LiftReport.model_validate(found)


@router.post("/lift", status_code=202, summary="The same over any number", responses=responses(422))
def lift_of_many(body: LiftIn, request: Request, session: Writing, caller: Support, now: Now) -> OperationOut:
    """An operation to watch; its result is what GET answers."""
    asked = LiftQuestion(**body.model_dump())
    return counted_reports.as_operation(request, session, report_operations.LIFT, asked, caller.id, now)
