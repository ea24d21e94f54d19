"""One journey: how it stands, and its map with how many are where, each count a link to those whom it counts."""

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from markupsafe import Markup
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from api.pages.journeys.live_counts import state_shown
from api.schemas.journeys import JourneyOut
from pictures import map as maps
from services.definitions.journey_versions import journeys
from services.reports.lifecycle import lifecycle_report
from services.reports.listings import journey_view
from services.reports.listings.journey_view import JourneyStanding
from store.queries.access import users

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


@router.get("/{key}", response_class=HTMLResponse)
def one(key: str, frame: TheFrame, looks: SupportUser, session: Reading) -> HTMLResponse:
    """The live version, else the draft; on another version somebody may stand where the map shows nothing."""
    standing = journey_view.standing(session, key)
    definition = journeys.definition(session, key)
    counts, flows = lifecycle_report.on_the_map(session, key)
    drawn = maps.draw(definition, counts=counts, flows=flows, theme=None, listed=f"/journeys/{key}/enrollments")
    return frame.page(
        "journeys/journey.html",
        standing=standing,
        tab="map",
        map=Markup(drawn),
        live=sum(counts.values()),
        former=journey_view.of_former_versions(definition, counts),
        seen=state_shown(standing),
        publisher=_publisher(session, standing),
        call=f"/v1/journeys/{key}",
        as_json=JourneyOut.model_validate(standing.journey).model_dump_json(indent=2),
    )


def _publisher(session: Session, standing: JourneyStanding) -> str | None:
    """Who published the live version, by name; None where a key did, or nobody knows."""
    by = standing.version.published_by if standing.version is not None else None
    return users.names(session, {by}).get(by) if by is not None else None
