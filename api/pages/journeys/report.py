"""How a journey does: what came of it and of each of its mails, its splits with their intervals, and its pictures."""

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from fastapi.responses import HTMLResponse, Response

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge import journey_pictures
from api.edge.journey_pictures import JourneyPicture, WantedPicture
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.pictures import NARROW, PictureWidth, picture
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from pictures import axes
from services.reports.lifecycle import journey_report
from services.reports.listings import journey_view
from services.reports.measures.shown_rates import FEW
from services.reports.results import mail_report

router = APIRouter(prefix="/journeys", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

SHARES = ("delivered", "opened", "clicked", "unsubscribed", "complained", "converted")
"""What is told of those that were sent, in the order in which it happens."""

Day = Annotated[date | None, Query()]


@router.get("/{key}/report", response_class=HTMLResponse)
def report(key: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """Since the journey began; every number is read from counts that are kept."""
    standing = journey_view.standing(session, key)
    found = journey_report.journey(session, key)
    return frame.page(
        "journeys/report.html",
        standing=standing,
        tab="report",
        report=found,
        mails=mail_report.mails(session, "step", now, journey=key),
        went_not=[one for one in found["messages"] if one["reason"]],
        meaning=REASONS,
        shares=SHARES,
        few=FEW,
        narrow=int(NARROW),
        call=f"/v1/journeys/{key}/report",
    )


@router.get("/{key}/report/{name}.svg", response_class=Response)
def drawn(
    key: str,
    name: JourneyPicture,
    looks: SupportUser,
    session: Reading,
    now: Now,
    split: str | None = None,
    width: PictureWidth = axes.WIDE,
) -> Response:
    """One of its pictures."""
    return picture(journey_pictures.draw(session, key, WantedPicture(picture=name, split=split, width=width), now))
