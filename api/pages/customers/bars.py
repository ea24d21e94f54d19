"""Where a customer has been as bars: a picture, and the same as rows for whoever does not see pictures."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request
from fastapi.responses import Response
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame import formats
from api.pages.frame.pictures import PictureWidth, picture
from api.pages.frame.problems import PageRoute
from journeys.machine.woken import restored
from journeys.program.step_ids import in_words
from journeys.simulation.forecast import Action
from pictures import axes
from pictures import visits as drawing
from pictures.visits import VisitBar, VisitPoint
from services.enrollments.forecast import enrollment_forecast
from services.reports.customer import customer_view, stage_visits
from services.reports.customer.customer_view import CustomerStanding
from services.reports.customer.stage_visits import StageVisit
from store.queries.listing import lists
from store.queries.listing.lists import Slice
from store.statuses import EnrollmentStatus, MessageStatus
from store.tables.messages import Message

router = APIRouter(
    prefix="/customers", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

MAILS = 200
"""Mails that are points, the newest: what has room on a picture."""

WENT = (MessageStatus.ACCEPTED,)
COMES = (MessageStatus.PLANNED, MessageStatus.DEFERRED, MessageStatus.CLAIMED, MessageStatus.SENDING)


def visits(
    session: Session, standing: CustomerStanding, ahead: Mapping[str, Sequence[Action]], now: datetime
) -> list[StageVisit]:
    """The visits with their mails; `ahead` is what comes next for each run that lives, by its id."""
    wanted = Slice(limit=MAILS, descending=True)
    mails = lists.messages(session, wanted, customer_id=standing.customer.id)[0]
    return stage_visits.of(session, standing.customer.id, standing.enrollments, mails, ahead, now)


def ahead_of(session: Session, standing: CustomerStanding, now: datetime) -> Mapping[str, Sequence[Action]]:
    """What comes next for each run that lives, by its id."""
    live = (one for one in standing.enrollments if one.status == EnrollmentStatus.LIVE)
    return {one.id: enrollment_forecast.next_actions(session, one, restored(one.state), now) for one in live}


@router.get("/{id}/visits.svg", response_class=Response)
def drawn(
    id: str,
    request: Request,
    looks: SupportUser,
    session: Reading,
    now: Now,
    width: PictureWidth = axes.WIDE,
    steps: Annotated[bool, Query()] = False,
) -> Response:
    """A bar for each visit of a stage; with its steps where that is asked."""
    standing = customer_view.standing(session, id)
    found = visits(session, standing, ahead_of(session, standing, now), now)
    several = len({one.run.id for one in found}) > 1
    told = f"{len(found)} visit{'' if len(found) == 1 else 's'} of stages; the table below says the same"
    bars = [_bar(one, steps, several) for one in found]
    zone = formats.zone_of(request)
    return picture(drawing.draw(bars, now, zone, "Visits of stages", told if found else "None yet.", width=width))


def _bar(visit: StageVisit, steps: bool, several: bool) -> VisitBar:
    name = formats.words(visit.label)
    inside = [VisitPoint(at=one.at, kind="step", told=f"{formats.words(one.what)} {in_words(one.step or '')}")
              for one in visit.steps] if steps else []  # fmt: skip
    mails = [_mail(one) for one in visit.mails]
    coming = [
        VisitPoint(at=one.at, kind="planned", told=f"{formats.words(one.detail.get('template'))}, foreseen")
        for one in visit.ahead
        if one.what == "send"
    ]
    return VisitBar(
        name=f"{visit.journey}: {name}" if several else name, since=visit.since, until=visit.until, ahead=visit.lasts,
        points=[*inside, *mails, *coming],
    )  # fmt: skip


def _mail(mail: Message) -> VisitPoint:
    """When it went; else when it was planned, or may go."""
    kind = "mail" if mail.status in WENT else "planned" if mail.status in COMES else "not"
    at = mail.accepted_at or (mail.not_before if kind == "planned" and mail.not_before else mail.planned_at)
    return VisitPoint(at=at, kind=kind, told=f"{formats.words(mail.template)}: {mail.delivery or mail.status}")
