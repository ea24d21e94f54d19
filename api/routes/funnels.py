"""Funnels and cohorts: at once over some thousands of customers, as an operation over more."""

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
from api.routes.reports import ReportedJourney
from api.schemas.funnels import CohortReport, CohortsIn, EntryCohortsIn, FunnelIn, FunnelReport
from api.schemas.operations import OperationOut
from services.reports.conversion import report_operations
from services.reports.conversion.cohorts import CohortLength, CohortQuestion, Cohorts
from services.reports.conversion.entry_cohorts import EntryCohortsQuestion
from services.reports.conversion.funnel import WITHIN, Funnel, FunnelGroup, FunnelQuestion
from value.orders import COMPLETED

router = APIRouter(prefix="/v1/reports", tags=["reports"], route_class=IdempotentReportRoute)

ANSWERS = {**TABLE_ANSWERS, **responses(404, 409, 422)}

StepText = Annotated[str, Query(max_length=300)]


def funnel_asked(
    begin: Annotated[str, Query(alias="from", max_length=300, description="`event:NAME`, `stage:KEY` or `entry`")],
    to: Annotated[str, Query(max_length=300, description="the last step, written the same way")],
    via: Annotated[list[StepText] | None, Query(max_length=6, description="a step in between; again for more")] = None,
    within: Annotated[str, Query(max_length=60, description="of the whole chain, such as `14 days`")] = WITHIN,
    journey: ReportedJourney = None,
    since: Annotated[date | None, Query(description="the first day of those who begin")] = None,
    until: Annotated[date | None, Query(description="the last; without it today")] = None,
    by: Annotated[FunnelGroup | None, Query(description="broken down by this too")] = None,
    split: Annotated[str | None, Query(max_length=200, description="whose variants")] = None,
) -> FunnelQuestion:
    """The question as it stands in an address."""
    chain = (begin, *(via or ()), to)
    return FunnelQuestion(
        chain=chain, within=within, journey=journey, since=since, until=until, by=by, split=split
    )  # fmt: skip


def cohorts_asked(
    first: Annotated[str | None, Query(max_length=300, description="what begins a cohort; without it `entry`")] = None,
    returning: Annotated[str, Query(max_length=200, description="the event of who comes back")] = COMPLETED,
    by: Annotated[CohortLength, Query(description="a row for each week or month")] = "month",
    journey: ReportedJourney = None,
    since: Annotated[date | None, Query(description="the first day of those who begin")] = None,
    until: Annotated[date | None, Query(description="the last; without it today")] = None,
) -> CohortQuestion:
    """The question as it stands in an address."""
    return CohortQuestion(first=first, returning=returning, by=by, journey=journey, since=since, until=until)


TheFunnel = Annotated[FunnelQuestion, Depends(funnel_asked)]
TheCohorts = Annotated[CohortQuestion, Depends(cohorts_asked)]


@router.get("/funnel", summary="How many come from one milestone to another", responses=ANSWERS, **TABLE)
async def funnel(asked: TheFunnel, parts: TheBackend, caller: Support, now: Now, heavy: TheHeavyWork) -> FunnelReport:
    """From an event or a stage through others to the last, in order: how many, how fast, where the rest stands.

    Each customer counts once, by their first time in the span. More than 20,000 times are an operation: POST.
    """
    found = await counted_reports.at_once(parts, heavy, lambda session: Funnel(session, asked, now))
    return FunnelReport.model_validate(found)


@router.post("/funnel", status_code=202, summary="The same over any number", responses=responses(404, 422))
def funnel_of_many(body: FunnelIn, request: Request, session: Writing, caller: Support, now: Now) -> OperationOut:
    """An operation to watch; its result is what GET answers."""
    asked = FunnelQuestion(
        chain=(body.begin, *body.via, body.to),
        **body.model_dump(exclude={"begin", "via", "to"}),
    )
    return counted_reports.as_operation(request, session, report_operations.FUNNEL, asked, caller.id, now)


@router.get("/cohorts", summary="Who comes back", responses=ANSWERS, **TABLE)
async def cohorts(asked: TheCohorts, parts: TheBackend, caller: Support, now: Now, heavy: TheHeavyWork) -> CohortReport:
    """Of those who began in a month or week, how many came back in each one after it.

    A customer is in the cohort of their first time at all. More than 20,000 are an operation: POST.
    """
    found = await counted_reports.at_once(parts, heavy, lambda session: Cohorts(session, asked, now))
    return CohortReport.model_validate(found)


@router.post("/cohorts", status_code=202, summary="The same over any number", responses=responses(404, 422))
def cohorts_of_many(body: CohortsIn, request: Request, session: Writing, caller: Support, now: Now) -> OperationOut:
    """An operation to watch; its result is what GET answers."""
    asked = CohortQuestion(**body.model_dump())
    return counted_reports.as_operation(request, session, report_operations.COHORTS, asked, caller.id, now)


@router.post("/lifecycle", status_code=202, summary="By month of entry, over any number", responses=responses(404, 422))
def entry_cohorts_of_many(
    body: EntryCohortsIn, request: Request, session: Writing, caller: Support, now: Now
) -> OperationOut:
    """An operation to watch; its result has the `cohorts` that `GET ...?cohorts=true` answers of up to 20,000."""
    asked = EntryCohortsQuestion(journey=body.journey)
    return counted_reports.as_operation(request, session, report_operations.LIFECYCLE, asked, caller.id, now)
