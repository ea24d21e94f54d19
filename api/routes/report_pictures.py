"""Reports as pictures, each as wide as it is asked for, light or dark."""

from collections.abc import Mapping
from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps.backend import TheBackend
from api.deps.permission import Support
from api.deps.transactions import Now, Reading
from api.edge import counted_reports, drawn_reports, journey_pictures
from api.edge.heavy_work import TheHeavyWork
from api.edge.journey_pictures import JourneyPicture, WantedPicture
from api.errors import responses
from api.routes.funnels import TheCohorts, TheFunnel
from api.routes.journeys import JourneyKey, Svg
from api.routes.lift import TheLift
from api.routes.operations import OperationId
from pictures import axes, rfm_grid
from pictures.svg import Theme
from services.operations import operations
from services.reports.conversion import report_operations
from services.reports.conversion.cohorts import Cohorts
from services.reports.conversion.funnel import Funnel
from services.reports.conversion.lift import Lift
from services.reports.measures.periods import PeriodLength
from services.reports.results import value_report

router = APIRouter(tags=["reports"])

Width = Annotated[
    float,
    Query(ge=axes.NARROWEST, le=axes.WIDEST, description="pixels; a narrow picture is drawn anew, its letters stay"),
]


@router.get(
    "/v1/journeys/{key}/report.svg",
    summary="How a journey does, as a picture",
    response_class=Svg,
    responses=responses(404, 422),
)
def of_journey(
    key: JourneyKey,
    session: Reading,
    caller: Support,
    now: Now,
    picture: Annotated[
        JourneyPicture,
        Query(description="stages over time, ways between them, or the variants of a split"),
    ] = "series",
    split: Annotated[str | None, Query(max_length=63, description="without it the first")] = None,
    since: Annotated[date | None, Query(alias="from", description="the first day of a series")] = None,
    until: Annotated[date | None, Query(alias="to", description="its last day")] = None,
    by: PeriodLength = "day",
    width: Width = axes.WIDE,
    theme: Theme = "auto",
) -> Response:
    """Lines for stages over time; a flow between stages, or of more than eight a matrix; intervals of variants."""
    wanted = WantedPicture(picture=picture, split=split, since=since, until=until, by=by, width=width, theme=theme)
    return Svg(journey_pictures.draw(session, key, wanted, now))


@router.get(
    "/v1/reports/funnel.svg", summary="The funnel as a picture", response_class=Svg, responses=responses(404, 409, 422)
)
async def funnel_picture(
    asked: TheFunnel,
    parts: TheBackend,
    caller: Support,
    now: Now,
    heavy: TheHeavyWork,
    width: Width = axes.WIDE,
    theme: Theme = "auto",
) -> Response:
    """Bars from zero, with what was lost between two of them in words."""
    found = await counted_reports.at_once(parts, heavy, lambda session: Funnel(session, asked, now))
    return _drawn(report_operations.FUNNEL, found, width, theme)


@router.get(
    "/v1/reports/cohorts.svg",
    summary="Who comes back, as a picture",
    response_class=Svg,
    responses=responses(404, 409, 422),
)
async def cohorts_picture(
    asked: TheCohorts,
    parts: TheBackend,
    caller: Support,
    now: Now,
    heavy: TheHeavyWork,
    width: Width = axes.WIDE,
    theme: Theme = "auto",
) -> Response:
    """A triangle: a row for each cohort, a column for each period after it."""
    found = await counted_reports.at_once(parts, heavy, lambda session: Cohorts(session, asked, now))
    return _drawn(report_operations.COHORTS, found, width, theme)


@router.get(
    "/v1/reports/lift.svg",
    summary="What marketing mail brings about, as a picture",
    response_class=Svg,
    responses=responses(409, 422),
)
async def lift_picture(
    asked: TheLift,
    parts: TheBackend,
    caller: Support,
    now: Now,
    heavy: TheHeavyWork,
    width: Width = axes.WIDE,
    theme: Theme = "auto",
) -> Response:
    """Who converted of the control group and of everybody else, with their intervals."""
    found = await counted_reports.at_once(parts, heavy, lambda session: Lift(session, asked, now))
    return _drawn(report_operations.LIFT, found, width, theme)


@router.get(
    "/v1/operations/{id}/report.svg",
    summary="The report of an operation, as a picture",
    response_class=Svg,
    responses=responses(404, 409, 422),
)
def of_operation(
    id: OperationId, session: Reading, caller: Support, width: Width = axes.WIDE, theme: Theme = "auto"
) -> Response:
    """A funnel, cohorts or the lift that an operation has counted, as it would be drawn of fewer."""
    return Svg(drawn_reports.of_operation(operations.get(session, id), width, theme))


@router.get(
    "/v1/reports/value.svg",
    summary="The fifths of customers as a picture",
    response_class=Svg,
    responses=responses(422),
)
def value_picture(session: Reading, caller: Support, width: Width = axes.WIDE, theme: Theme = "auto") -> Response:
    """Recency and frequency as a grid of five by five, from the last nightly fit."""
    found: dict[str, Any] = value_report.last_fit(session)
    grid = found["grid"] or []
    total = sum(map(sum, grid))
    told = f"{total:,} customers have ordered." if total else str(found["refusal"] or "Nobody has ordered yet.")
    return Svg(rfm_grid.draw(grid, "When customers bought last, and how often", told, width=width, theme=theme))


def _drawn(kind: str, found: Mapping[str, Any], width: float, theme: Theme) -> Response:
    return Svg(drawn_reports.PICTURES[kind](found, width, theme))
