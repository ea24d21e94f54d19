"""Reports as pictures, each as wide as it is asked for, light or dark."""

from datetime import date
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response

from api.deps.backend import TheBackend
from api.deps.permission import Support
from api.deps.transactions import Now, Reading
from api.edge import journey_pictures
from api.edge.heavy_work import TheHeavyWork
from api.edge.journey_pictures import JourneyPicture, WantedPicture
from api.errors import responses
from api.routes.funnels import TheCohorts, TheFunnel
from api.routes.journeys import JourneyKey, Svg
from pictures import axes, rfm_grid
from pictures import cohorts as triangle
from pictures import funnel as bars
from pictures.svg import Theme
from services.reports import reached, value_report
from services.reports.cohorts import Cohorts
from services.reports.funnel import Funnel
from services.reports.periods import PeriodLength

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

    def draw() -> str:
        with parts.database.reading() as session:
            found = reached.at_once(session, Funnel(session, asked, now))
        name = f"{_short(asked.chain[0])} to {_short(asked.chain[-1])}, within {asked.within}"
        return bars.draw(found["steps"], name, found["told"], width=width, theme=theme)

    return Svg(await heavy.run(draw))


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

    def draw() -> str:
        with parts.database.reading() as session:
            found = reached.at_once(session, Cohorts(session, asked, now))
        name = f"Who comes back by {asked.returning}"
        return triangle.draw(found["cohorts"], asked.by, name, found["told"], width=width, theme=theme)

    return Svg(await heavy.run(draw))


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


def _short(step: str) -> str:
    return step.partition(":")[2] or step
