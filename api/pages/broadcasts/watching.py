"""All broadcasts; and one: how far it is, who gets it and who does not, and what came of its mails."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, RedirectResponse, Response
from sqlmodel import Session

from api.deps.paging import Paging, ThePage
from api.deps.signed_in import MarketerUser, SupportUser
from api.deps.transactions import Now, Reading
from api.edge import broadcast_controls
from api.edge.own_pages import own_form
from api.pages.frame.frame import Frame, TheFrame
from api.pages.frame.problems import PageRoute
from journeys.rules.policy import REASONS
from readers.keys import KEY
from services.definitions import broadcasts
from services.reports.measures.shown_rates import FEW
from services.reports.results import mail_report
from store.queries.listing import lists
from store.statuses import BROADCAST_ACTIVE, ON_THE_WAY, BroadcastStatus

router = APIRouter(
    prefix="/broadcasts", include_in_schema=False, route_class=PageRoute, dependencies=[Depends(own_form)]
)

SHARES = ("delivered", "opened", "clicked", "unsubscribed", "complained", "converted")
"""What is told of the mails that went, in the order in which it happens."""

GOES_ON = (BroadcastStatus.SCHEDULED, *BROADCAST_ACTIVE)
"""While it stands so, the page looks again by itself."""


@router.get("", response_class=HTMLResponse)
def listed(
    frame: TheFrame, looks: SupportUser, session: Reading, page: ThePage, status: BroadcastStatus | None = None
) -> HTMLResponse:
    """By key, a page at a time; of one status where that is asked."""
    return _list(frame, session, page, status)


@router.post("", response_class=RedirectResponse)
def begin(
    frame: TheFrame, looks: MarketerUser, session: Reading, page: ThePage, key: Annotated[str, Form()] = ""
) -> Response:
    """The form of a new one, under a key of its own: nothing is kept before it is saved there."""
    wanted = key.strip()
    if KEY.fullmatch(wanted):
        return RedirectResponse(f"/broadcasts/{wanted}/edit", 303)
    why = f"{wanted[:63]!r} is no key: it begins with a letter, then letters, digits, _ and -, 63 of them at most"
    return _list(frame, session, page, None, problem=why)


def _list(
    frame: Frame, session: Session, page: Paging, status: BroadcastStatus | None, *, problem: str = ""
) -> HTMLResponse:
    rows, cursor = lists.broadcasts(session, page.slice(), status=status)
    return frame.page(
        "broadcasts/broadcasts.html", status=422 if problem else 200, problem=problem, cursor=cursor, chosen=status,
        broadcasts=[(row, broadcasts.body_of(row)) for row in rows], statuses=list(BroadcastStatus),
        call=f"/v1/broadcasts{f'?status={status}' if status else ''}",
    )  # fmt: skip


@router.get("/{key}", response_class=HTMLResponse)
def one(key: str, frame: TheFrame, looks: SupportUser, session: Reading, now: Now) -> HTMLResponse:
    """How it stands; the part that htmx asks for again and again until it is over."""
    row = broadcasts.get(session, key)
    told = broadcast_controls.progress(session, row, now)
    body = broadcasts.body_of(row)
    by = "variant" if body.variants else "broadcast"
    came = mail_report.mails(session, by, now, broadcast=key)["mails"] if told.messages else []
    return frame.page(
        "broadcasts/broadcast_part.html" if frame.in_part else "broadcasts/broadcast.html",
        key=key,
        row=row,
        body=body,
        told=told,
        came=came,
        shares=SHARES,
        few=FEW,
        meaning=REASONS,
        goes_on=row.status in GOES_ON and row.paused_at is None,
        planned=sum(told.messages.values()),
        waiting=sum(told.messages.get(status, 0) for status in ON_THE_WAY),
        call=f"/v1/broadcasts/{key}",
        as_json=told.model_dump_json(indent=2),
    )
