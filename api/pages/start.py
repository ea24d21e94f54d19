"""The start page: how many customers are in which stage, what became of the mails, and what needs a person now."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse
from sqlmodel import Session

from api.deps.signed_in import SupportUser
from api.deps.transactions import Now, Reading
from api.edge.own_pages import own_form
from api.pages.frame.frame import TheFrame
from api.pages.frame.problems import PageRoute
from services.reports import backlog, journey_report, lifecycle_report, readiness
from store.queries import lists
from store.queries.lists import Slice
from store.statuses import UNSURE

router = APIRouter(include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)])

MAILS_SINCE = timedelta(days=7)
"""Whose outcomes the page counts: what somebody remembers."""


@dataclass(frozen=True, slots=True)
class Need:
    """Something that waits for a person: what, and what to do about it."""

    what: str
    remedy: str


@router.get("/", response_class=HTMLResponse)
def start(session: Reading, frame: TheFrame, looks: SupportUser, now: Now) -> HTMLResponse:
    """What one looks at first in the morning."""
    return frame.page(
        "start.html",
        report=lifecycle_report.lifecycle(session),
        needs=list(_needs(session, now)),
        mails=_mails(session, now - MAILS_SINCE),
        days=MAILS_SINCE.days,
    )


def _mails(session: Session, since: datetime) -> Sequence[tuple[str, int]]:
    """How many mails that were planned since then have which status, the most first."""
    found: Counter[str] = Counter()
    for one in journey_report.messages(session, None, since):
        found[one["status"]] += one["count"]
    return found.most_common()


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
        if count:
            yield Need(f"{count:,} stuck: {kind}", f"waypost hooks or the list of {kind}s over the API")
    if standing.overdue:
        yield Need(f"{standing.overdue:,} enrollments should have acted minutes ago", "waypost doctor tells more")
    for journey in lists.journeys(session, Slice(limit=200), archived=False)[0]:
        if journey.paused_at is not None:
            yield Need(
                f"the journey {journey.key} is paused", f"waypost resume {journey.key} --plan says what comes then"
            )
