"""The start page: who is in which stage, who moved in the last days, what mails brought, what needs a person now."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.pictures import NARROW, PictureWidth, picture
from api.pages.frame.problems import PageRoute
from pictures import axes, day_columns, movements
from services.reports.health import backlog, readiness, silence_report
from services.reports.lifecycle import home_report, lifecycle_report
from store.queries.access import approvals
from store.queries.definitions import journeys
from store.queries.enrollment import live_enrollments
from store.statuses import UNSURE, MessageStatus

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])


COLUMN = 720
"""Pixels of a picture in the wider of two columns, on a window of 1,280."""

WHOLE = 1_120
"""Pixels of a picture across the page, on a window of 1,280."""

OUTCOMES: Mapping[str, int] = {
    MessageStatus.ACCEPTED: 0, MessageStatus.SENDING: 5, MessageStatus.CLAIMED: 6, MessageStatus.PLANNED: 1,
    MessageStatus.DEFERRED: 2, MessageStatus.UNKNOWN: 3, MessageStatus.PARKED: 9, MessageStatus.FAILED: 4,
    MessageStatus.SKIPPED: 8,
}  # fmt: skip
"""What became of mails, from what is well upwards, with its colour: red what failed, grey what did not go."""

STUCK = {
    "hook": "/hooks?status=stuck", "dispatch": "/dispatches?status=stuck",
    "journey": "/journeys", "segment": "/segments",
}  # fmt: skip
"""Where what was set aside for a person is seen, by its kind."""


MOST_REQUESTS = 10
"""Drafts waiting for approval that are told; the list has the others."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: what, and what to do about it; `path` is the page that shows it."""

    what: str
    remedy: str
    path: str | None = None


@router.get("/", response_class=HTMLResponse)
def start(session: Reading, frame: TheFrame, looks: SupportUser, now: Now) -> HTMLResponse:
    """What one looks at first in the morning."""
    report = lifecycle_report.lifecycle(session)
    orders, told = home_report.worth(session, now)
    days = home_report.mails_by_day(session, now)
    return frame.page(
        "start.html",
        report=report,
        week=home_report.stage_week(session, report["journey"], now) if report["journey"] else None,
        needs=list(_needs(session, now)),
        mails=sum((Counter(one) for one in days.values()), Counter[str]()).most_common(),
        orders=orders,
        told=told,
        days=home_report.DAYS,
        narrow=int(NARROW),
        column=COLUMN,
        whole=WHOLE,
    )


@router.get("/start/mails.svg", response_class=Response)
def mails_by_day(looks: SupportUser, session: Reading, now: Now, width: PictureWidth = axes.WIDE) -> Response:
    """Mails per day by outcome."""
    by_day = home_report.mails_by_day(session, now)
    return picture(
        day_columns.draw(by_day, "Mails by the day for which they were planned", colours=OUTCOMES, width=width)
    )


@router.get("/start/movements.svg", response_class=Response)
def movements_of_the_week(looks: SupportUser, session: Reading, now: Now, width: PictureWidth = axes.WIDE) -> Response:
    """Who moved from which stage of the lifecycle to which."""
    report = lifecycle_report.lifecycle(session)
    week = home_report.stage_week(session, report["journey"] or "", now)
    order = [one["stage"] for one in report["places"]]
    return picture(movements.draw(week.flows, order, f"Movements in {home_report.DAYS} days", week.told, width=width))


def _needs(session: Session, now: datetime) -> Iterator[Need]:
    """Whatever does not go on by itself."""
    standing = backlog.measure(session, now)
    silent = [one.part for one in readiness.measure(session, now) if not one.works]
    if silent:
        yield Need(f"no worker does its round: {', '.join(silent)}", "start one: waypost up, or waypost worker")
    unsure = sum(count for (_, status), count in standing.messages.items() if status in UNSURE)
    if unsure:
        yield Need(f"of {unsure:,} mails nobody can tell whether they went", "waypost decide says what becomes of them")
    for channel in sorted(name for name, closed in standing.closed.items() if closed):
        yield Need(f"the channel {channel} rests after errors of its provider", "waypost doctor tells more")
    for kind, count in standing.stuck.items():
        if count and kind != "enrollment":
            yield Need(f"{count:,} stuck: {kind}", "let them go again, or give them up", STUCK[kind])
    if open_ones := sum(standing.differences.values()):
        yield Need(f"{open_ones:,} differences are open in the books", "look, and repair them", "/reconciliation")
    if standing.overdue:
        yield Need(f"{standing.overdue:,} enrollments should have acted minutes ago", "waypost doctor tells more")
    for one in silence_report.silences(session)["silences"]:
        yield Need(one["told"], "nothing happens: the event may be misspelt, or its sender silent",
                   f"/journeys/{one['journey']}")  # fmt: skip
    for one in approvals.waiting(session, MOST_REQUESTS):
        told = f"the draft of {one.journey} waits for an approver"
        yield Need(told, "approve or decline it", f"/approvals/{one.journey}/{one.id}")
    yield from _of_journeys(session)


def _of_journeys(session: Session) -> Iterator[Need]:
    """Those that stopped themselves or are paused, then those in which somebody is stuck, however many there are."""
    for key, alarm, paused, stages in journeys.held_up(session):
        path = f"/journeys/{key}"
        if alarm:
            yield Need(f"{key}: {alarm}", "look at its mails before it goes on", f"{path}/report")
        if paused:
            yield Need(f"the journey {key} is paused", "its page says what a resume would send", path)
        for stage in stages:
            yield Need(f"the stage {stage} of {key} is paused", "whoever stands there keeps their place", path)
    for key, count in sorted(live_enrollments.stuck(session).items()):
        path = f"/journeys/{key}/enrollments?state=stuck"
        yield Need(f"stuck in {key}: {count:,}", "their every wake ends in an error", path)
